#include "common/config/option_text.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "common/config/options.h"
#include "common/text/edit_distance.h"

namespace network_mapper {

namespace {

constexpr std::string_view kEnvironmentPrefix = "OTTERIZE_";

}  // namespace

std::string EnvironmentName(std::string_view option) {
  std::string name(kEnvironmentPrefix);
  for (char c : option) {
    name += c == '-' ? '_' : (c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
  }
  return name;
}

std::string Join(const std::vector<std::string>& parts, std::string_view separator) {
  return fmt::format("{}", fmt::join(parts, std::string(separator)));
}

std::optional<std::string> NearestName(std::string_view name,
                                       const std::vector<std::string>& candidates) {
  std::optional<std::string> nearest;
  size_t best = std::max<size_t>(2, name.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    size_t distance = EditDistance(name, candidate);
    if (distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace network_mapper
