// Times and durations as text: RFC 3339 (Kubernetes, GraphQL) and Go durations ("1h30m", "500ms";
// flags and environment).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "common/time/clock.h"

namespace network_mapper {

// "2024-01-02T03:04:05Z", with an optional fraction of up to nine digits, with "Z" or "+hh:mm".
std::optional<Time> ParseRfc3339(std::string_view text);
// UTC, "Z"; the fraction only when it is not zero, without trailing zeros.
std::string FormatRfc3339(Time time);

// Units ns, us, ms, s, m, h; fractions and sequences such as "1m30s" or "1.5h". A bare number is
// not a duration.
std::optional<std::chrono::nanoseconds> ParseDuration(std::string_view text);
// The shortest of the same form: "1m30s", "500ms", "0s".
std::string FormatDuration(std::chrono::nanoseconds duration);

}  // namespace network_mapper
