// What readers may keep of heads and bodies, over all connections.
#pragma once

#include <atomic>
#include <cstddef>

namespace network_mapper::aws {

// Thread-safe.
class KeepBudget {
 public:
  explicit KeepBudget(size_t most_bytes) : most_bytes_(most_bytes) {}

  bool Take(size_t bytes) {
    if (used_.fetch_add(bytes, std::memory_order_relaxed) + bytes <= most_bytes_) {
      return true;
    }
    Return(bytes);
    return false;
  }

  void Return(size_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }

  size_t Used() const { return used_.load(std::memory_order_relaxed); }

 private:
  const size_t most_bytes_;
  std::atomic<size_t> used_{0};
};

// A sum that is paid from a budget, which must outlive it.
class KeptSum {
 public:
  explicit KeptSum(KeepBudget& budget) : budget_(budget) {}

  KeptSum(const KeptSum&) = delete;
  KeptSum& operator=(const KeptSum&) = delete;

  ~KeptSum() { budget_.Return(paid_); }

  // So much is kept from now on. False: there is no room for it, it must not be, and the sum is
  // what it was.
  bool Set(size_t bytes) {
    if (bytes > paid_ && !budget_.Take(bytes - paid_)) {
      return false;
    }
    if (bytes < paid_) {
      budget_.Return(paid_ - bytes);
    }
    paid_ = bytes;
    return true;
  }

  bool Add(size_t bytes) { return Set(paid_ + bytes); }

 private:
  KeepBudget& budget_;
  size_t paid_ = 0;
};

// How much one connection keeps of heads that are still coming. The first of it is free: a
// connection costs more by itself, and most heads never need more, so that those of others cannot
// take the room from them.
class KeptCharge {
 public:
  static constexpr size_t kFree = size_t{4} * 1024;

  explicit KeptCharge(KeepBudget& budget) : sum_(budget) {}

  // As KeptSum's.
  bool Set(size_t bytes) { return sum_.Set(bytes > kFree ? bytes : 0); }

 private:
  KeptSum sum_;
};

}  // namespace network_mapper::aws
