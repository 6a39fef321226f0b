// Waiting for what another process is going to do.
#pragma once

#include <chrono>
#include <thread>

namespace network_mapper {

template <typename Condition>
bool Eventually(Condition condition,
                std::chrono::steady_clock::duration limit = std::chrono::seconds(20)) {
  auto deadline = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace network_mapper
