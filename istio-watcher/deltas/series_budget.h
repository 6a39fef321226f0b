// How many series all proxies together may keep. Thread-safe.
#pragma once

#include <atomic>
#include <cstddef>

namespace network_mapper::istio {

class SeriesBudget {
 public:
  explicit SeriesBudget(size_t limit) : limit_(limit) {}

  // False: there is no room.
  bool Take() {
    if (used_.fetch_add(1, std::memory_order_relaxed) < limit_) {
      return true;
    }
    GiveBack(1);
    return false;
  }

  void GiveBack(size_t count) { used_.fetch_sub(count, std::memory_order_relaxed); }

  size_t Used() const { return used_.load(std::memory_order_relaxed); }

 private:
  const size_t limit_;
  std::atomic<size_t> used_ = 0;
};

}  // namespace network_mapper::istio
