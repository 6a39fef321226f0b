// How many series all proxies together may keep, and how long the texts of those may be that have
// grown in scrapes that are under way. Thread-safe.
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

  // In bytes. False: there is no room.
  bool TakeTexts(size_t size) {
    if (texts_.fetch_add(size, std::memory_order_relaxed) + size <= kMostTexts) {
      return true;
    }
    GiveBackTexts(size);
    return false;
  }

  void GiveBackTexts(size_t size) { texts_.fetch_sub(size, std::memory_order_relaxed); }

  static constexpr size_t kMostTexts = size_t{64} * 1024 * 1024;

 private:
  const size_t limit_;
  std::atomic<size_t> used_ = 0;
  std::atomic<size_t> texts_ = 0;
};

}  // namespace network_mapper::istio
