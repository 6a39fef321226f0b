// Time as a dependency: production reads the system's clocks, tests turn a FakeClock
// (tests/support) by hand.
#pragma once

#include <chrono>

namespace network_mapper {

// Wall-clock time, for what people and other machines see. Nanoseconds since the Unix epoch inside.
using Time = std::chrono::system_clock::time_point;
// Monotonic time, for deadlines and intervals.
using SteadyTime = std::chrono::steady_clock::time_point;

class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;

  virtual Time Now() const = 0;
  virtual SteadyTime SteadyNow() const = 0;

  // The process-wide real clock; thread-safe, lives forever.
  static const Clock& System();
};

}  // namespace network_mapper
