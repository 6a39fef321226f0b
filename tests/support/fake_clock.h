// Clocks that stand still until a test moves them, or move when they are read. Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "common/time/clock.h"

namespace network_mapper {

class FakeClock final : public Clock {
 public:
  // Starts at 2026-01-01T00:00:00Z.
  FakeClock() = default;

  Time Now() const override {
    return Time(std::chrono::seconds(1767225600)) + std::chrono::nanoseconds(elapsed_ns_.load());
  }

  SteadyTime SteadyNow() const override {
    return SteadyTime(std::chrono::hours(1)) + std::chrono::nanoseconds(elapsed_ns_.load());
  }

  void Advance(std::chrono::nanoseconds by) { elapsed_ns_ += by.count(); }

 private:
  std::atomic<int64_t> elapsed_ns_{0};
};

// Each reading of the steady clock takes `step`: for code that works until a time is up.
class TickingClock final : public Clock {
 public:
  explicit TickingClock(std::chrono::nanoseconds step) : step_(step) {}

  Time Now() const override { return clock_.Now(); }

  SteadyTime SteadyNow() const override {
    clock_.Advance(step_);
    return clock_.SteadyNow();
  }

  void Advance(std::chrono::nanoseconds by) { clock_.Advance(by); }

 private:
  std::chrono::nanoseconds step_;
  mutable FakeClock clock_;
};

}  // namespace network_mapper
