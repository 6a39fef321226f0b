// What readers may keep of heads and bodies, over all connections and of each client.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace network_mapper::aws {

enum class Kept : uint8_t { kHead, kBody };

// Thread-safe. Bodies get three quarters of it at most, so that there is room for heads: without
// its head nothing is told of an exchange.
class KeepBudget {
 public:
  explicit KeepBudget(size_t most_bytes) : most_bytes_(most_bytes) {}

  // A client's part of `all`, which must outlive it. Its heads find room for `assured_bytes`
  // whatever others keep.
  KeepBudget(KeepBudget& all, size_t most_bytes, size_t assured_bytes)
      : all_(&all), most_bytes_(most_bytes), assured_bytes_(assured_bytes) {}

  KeepBudget(const KeepBudget&) = delete;
  KeepBudget& operator=(const KeepBudget&) = delete;
  ~KeepBudget() = default;

  bool Take(size_t bytes, Kept what) {
    Of(what) += bytes;
    if (Fits(what) && (all_ == nullptr || all_->Take(bytes, what) || TakeAssured(bytes, what))) {
      return true;
    }
    Of(what) -= bytes;
    return false;
  }

  void Return(size_t bytes, Kept what) {
    Of(what) -= bytes;
    if (all_ != nullptr) {
      all_->Return(bytes, what);
    }
  }

  size_t Used() const { return heads_ + bodies_; }

 private:
  std::atomic<size_t>& Of(Kept what) { return what == Kept::kHead ? heads_ : bodies_; }

  bool Fits(Kept what) const {
    return Used() <= most_bytes_ && (what == Kept::kHead || bodies_ <= most_bytes_ / 4 * 3);
  }

  bool TakeAssured(size_t bytes, Kept what) {
    if (what != Kept::kHead || heads_ > assured_bytes_) {
      return false;
    }
    all_->Of(what) += bytes;
    return true;
  }

  KeepBudget* const all_ = nullptr;
  const size_t most_bytes_;
  const size_t assured_bytes_ = 0;
  // What does not fit is in them for an instant.
  std::atomic<size_t> heads_{0};
  std::atomic<size_t> bodies_{0};
};

// A sum that is paid from a budget, which must outlive it.
class KeptSum {
 public:
  KeptSum(KeepBudget& budget, Kept what) : budget_(budget), what_(what) {}

  KeptSum(const KeptSum&) = delete;
  KeptSum& operator=(const KeptSum&) = delete;

  ~KeptSum() { budget_.Return(paid_, what_); }

  // So much is kept from now on. False: there is no room for it, it must not be, and the sum is
  // what it was.
  bool Set(size_t bytes) {
    if (bytes > paid_ && !budget_.Take(bytes - paid_, what_)) {
      return false;
    }
    if (bytes < paid_) {
      budget_.Return(paid_ - bytes, what_);
    }
    paid_ = bytes;
    return true;
  }

  bool Add(size_t bytes) { return Set(paid_ + bytes); }

 private:
  KeepBudget& budget_;
  const Kept what_;
  size_t paid_ = 0;
};

// How much one connection keeps of heads that are still coming. The first of it is free: a
// connection costs more by itself, and most heads never need more, so that those of others cannot
// take the room from them.
class KeptCharge {
 public:
  static constexpr size_t kFree = size_t{4} * 1024;

  explicit KeptCharge(KeepBudget& budget) : sum_(budget, Kept::kHead) {}

  // As KeptSum's.
  bool Set(size_t bytes) { return sum_.Set(bytes > kFree ? bytes : 0); }

 private:
  KeptSum sum_;
};

}  // namespace network_mapper::aws
