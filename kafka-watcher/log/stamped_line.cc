#include "kafka-watcher/log/stamped_line.h"

#include "common/time/time_text.h"

namespace network_mapper::kafka {

namespace {

// "2006-01-02T15:04:05.000000000+07:00"
constexpr size_t kLongestStamp = 35;

}  // namespace

std::optional<StampedLine> ParseStampedLine(std::string_view line) {
  const size_t blank = line.substr(0, kLongestStamp + 1).find(' ');
  const std::string_view stamp = line.substr(0, blank);
  const std::optional<Time> at = ParseRfc3339(stamp);
  if (!at) {
    return std::nullopt;
  }
  return StampedLine{*at, blank == std::string_view::npos ? "" : line.substr(blank + 1)};
}

}  // namespace network_mapper::kafka
