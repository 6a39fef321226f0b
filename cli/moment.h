// Points in time as people write them on the command line. Pure.
#pragma once

#include <chrono>
#include <string>

#include "common/status/status.h"
#include "common/time/clock.h"

namespace network_mapper::cli {

// How long ago: "30d", "24h", "1h30m".
StatusOr<std::chrono::nanoseconds> ParseAge(const std::string& text);

// "now", how long ago, "2026-01-02" (its beginning, UTC) or RFC 3339.
StatusOr<Time> ParseMoment(const std::string& text, Time now);

}  // namespace network_mapper::cli
