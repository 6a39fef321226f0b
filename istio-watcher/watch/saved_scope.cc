#include "istio-watcher/watch/saved_scope.h"

#include <charconv>

#include <fmt/format.h>

namespace network_mapper::istio {

// "1 <nanoseconds since 1970> <proxies>"; the first number is the version of the format.
std::string EncodeScope(const SavedScope& scope) {
  return fmt::format("1 {} {}", std::chrono::nanoseconds(scope.since.time_since_epoch()).count(),
                     scope.proxies);
}

std::optional<SavedScope> DecodeScope(std::string_view bytes) {
  constexpr std::string_view kVersion = "1 ";
  if (!bytes.starts_with(kVersion)) {
    return std::nullopt;
  }
  bytes.remove_prefix(kVersion.size());
  const char* last = bytes.data() + bytes.size();
  int64_t since = 0;
  const auto [end, error] = std::from_chars(bytes.data(), last, since);
  if (error != std::errc() || end == last || *end != ' ' || since < 0) {
    return std::nullopt;
  }
  return SavedScope{
      Time(std::chrono::duration_cast<Time::duration>(std::chrono::nanoseconds(since))),
      std::string(end + 1, last)};
}

}  // namespace network_mapper::istio
