// Whether two sightings are near each other in time.
#pragma once

#include <chrono>

#include "common/time/clock.h"

namespace network_mapper::sniffer {

// Capture rings are per CPU: times may run back a little, so either may be the earlier one.
inline bool Within(Time a, Time b, std::chrono::nanoseconds limit) {
  return std::chrono::abs(a - b) <= limit;
}

}  // namespace network_mapper::sniffer
