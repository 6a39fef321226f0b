// A clock that stands still until a test moves it. Thread-safe.
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

}  // namespace network_mapper
