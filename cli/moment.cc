#include "cli/moment.h"

#include <charconv>
#include <optional>
#include <string_view>

#include "common/time/time_text.h"

namespace network_mapper::cli {

namespace {

// Whole days, which Go's durations do not know.
std::optional<std::chrono::nanoseconds> ParseDays(std::string_view text) {
  // No further back than a 64-bit count of nanoseconds allows, since today.
  constexpr int kMost = 36'500;
  int days = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), days);
  if (error != std::errc() || std::string_view(end, text.data() + text.size()) != "d" || days < 0 ||
      days > kMost) {
    return std::nullopt;
  }
  return std::chrono::hours(24) * days;
}

std::optional<std::chrono::nanoseconds> FindAge(const std::string& text) {
  std::optional<std::chrono::nanoseconds> age = ParseDays(text);
  if (!age) {
    age = ParseDuration(text);
  }
  constexpr std::chrono::hours kMost{24 * 36'500};
  return age && age->count() >= 0 && *age <= kMost ? age : std::nullopt;
}

}  // namespace

StatusOr<std::chrono::nanoseconds> ParseAge(const std::string& text) {
  std::optional<std::chrono::nanoseconds> age = FindAge(text);
  if (!age) {
    return InvalidArgument("{} is no age such as 30d, 24h or 1h30m", text);
  }
  return *age;
}

StatusOr<Time> ParseMoment(const std::string& text, Time now) {
  if (text == "now") {
    return now;
  }
  if (std::optional<std::chrono::nanoseconds> age = FindAge(text)) {
    return now - std::chrono::duration_cast<Time::duration>(*age);
  }
  for (const std::string& candidate : {text, text + "T00:00:00Z"}) {
    if (std::optional<Time> time = ParseRfc3339(candidate)) {
      return *time;
    }
  }
  return InvalidArgument(
      "{} is no point in time; write how long ago (24h, 30d), a day (2026-01-02), a time "
      "(2026-01-02T15:04:05Z) or now",
      text);
}

}  // namespace network_mapper::cli
