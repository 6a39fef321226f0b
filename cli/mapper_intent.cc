#include "cli/mapper_intent.h"

#include <array>

namespace network_mapper::cli {

std::optional<Strength> ParseStrength(std::string_view name) {
  struct Known {
    std::string_view option;
    std::string_view graphql;
    Strength strength;
  };

  constexpr std::array<Known, 4> kKnown = {{
      {"resolved", "RESOLVED", Strength::kResolved},
      {"attempted", "ATTEMPTED", Strength::kAttempted},
      {"connected", "CONNECTED", Strength::kConnected},
      {"used", "USED", Strength::kUsed},
  }};
  for (const Known& known : kKnown) {
    if (name == known.option || name == known.graphql) {
      return known.strength;
    }
  }
  return std::nullopt;
}

}  // namespace network_mapper::cli
