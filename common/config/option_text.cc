#include "common/config/option_text.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "common/config/options.h"
#include "common/text/edit_distance.h"

namespace network_mapper {

std::string EnvironmentName(std::string_view option) {
  std::string name(kEnvironmentPrefix);
  for (char c : option) {
    name += c == '-' ? '_' : (c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
  }
  return name;
}

std::string OptionNameOf(std::string_view variable) {
  std::string name;
  for (std::string_view prefix : {kEnvironmentPrefix, kUnusedPrefix}) {
    if (variable.starts_with(prefix)) {
      name = variable.substr(prefix.size());
    }
  }
  for (char& c : name) {
    c = c == '_' ? '-' : (c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  return name;
}

bool IsServiceVariable(std::string_view variable, std::string_view value) {
  constexpr std::string_view kPort = "_PORT_";
  const size_t port = variable.find(kPort);
  const bool of_a_port = port != std::string_view::npos && port + kPort.size() < variable.size() &&
                         variable[port + kPort.size()] >= '0' &&
                         variable[port + kPort.size()] <= '9';
  return variable.ends_with("_SERVICE_HOST") || variable.find("_SERVICE_PORT") != variable.npos ||
         of_a_port || (variable.ends_with("_PORT") && value.find("://") != value.npos);
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
