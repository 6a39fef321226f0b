// What readers may keep of heads and bodies, over all connections.
#pragma once

#include <atomic>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

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

// How much one connection keeps of heads that are still coming, paid for from a budget, which must
// outlive it. The first of it is free: a connection costs more by itself, and most heads never need
// more, so that those of others cannot take the room from them.
class KeptCharge {
 public:
  static constexpr size_t kFree = size_t{4} * 1024;

  explicit KeptCharge(KeepBudget& budget) : budget_(budget) {}

  KeptCharge(const KeptCharge&) = delete;
  KeptCharge& operator=(const KeptCharge&) = delete;

  ~KeptCharge() { budget_.Return(paid_); }

  // So much is kept from now on. False: there is no room for it, and it must not be.
  bool Set(size_t bytes) {
    const size_t due = bytes > kFree ? bytes : 0;
    if (due > paid_ && !budget_.Take(due - paid_)) {
      return false;
    }
    if (due < paid_) {
      budget_.Return(paid_ - due);
    }
    paid_ = due;
    return true;
  }

 private:
  KeepBudget& budget_;
  size_t paid_ = 0;
};

// Bytes that are paid for from a budget, which must outlive them.
class KeptBytes {
 public:
  explicit KeptBytes(KeepBudget& budget) : budget_(budget) {}

  KeptBytes(const KeptBytes&) = delete;
  KeptBytes& operator=(const KeptBytes&) = delete;

  ~KeptBytes() { budget_.Return(bytes_.size()); }

  // False: there is no room, and nothing was added.
  bool Append(std::string_view bytes) {
    if (!budget_.Take(bytes.size())) {
      return false;
    }
    bytes_.append(bytes);
    return true;
  }

  // The same for bytes that are there already; only for empty ones.
  bool Adopt(std::string bytes) {
    if (!budget_.Take(bytes.size())) {
      return false;
    }
    bytes_ = std::move(bytes);
    return true;
  }

  std::string_view View() const { return bytes_; }

 private:
  KeepBudget& budget_;
  std::string bytes_;
};

}  // namespace network_mapper::aws
