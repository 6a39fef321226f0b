// A pause that a request for stop ends at once.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>

namespace network_mapper {

// False when stop was requested, before or meanwhile.
template <typename Rep, typename Period>
bool WaitUnlessStopped(const std::stop_token& stop, std::chrono::duration<Rep, Period> duration) {
  std::mutex mutex;
  std::condition_variable_any condition;
  std::unique_lock lock(mutex);
  condition.wait_for(lock, stop, duration, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace network_mapper
