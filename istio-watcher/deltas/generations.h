// The values of one series from scrape to scrape. Mostly it is one. While a proxy rotates its
// metrics (Istio 1.18 to 1.27) it has two series of one identity: the older one stands still and
// vanishes after a while, the current one began at zero. Pure.
#pragma once

#include <cstdint>
#include <optional>

namespace network_mapper::istio {

struct Generations {
  std::optional<uint64_t> older;
  uint64_t current = 0;

  friend bool operator==(const Generations&, const Generations&) = default;
};

struct GenerationStep {
  uint64_t growth = 0;
  Generations now;
};

// From `before` to the values of the next scrape, which does not say which generation is which. A
// value that is smaller than before was reset. Which of two values is the older one is told by
// which of them stands still; only where both could be, and the older one is gone before it could
// be told, the growth may be wrong.
GenerationStep StepTo(const Generations& before, uint64_t value);
GenerationStep StepTo(const Generations& before, uint64_t low, uint64_t high);

}  // namespace network_mapper::istio
