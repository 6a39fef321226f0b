#include "istio-watcher/deltas/generations.h"

#include <utility>

namespace network_mapper::istio {

GenerationStep StepTo(const Generations& before, uint64_t value) {
  const Generations now{std::nullopt, value};
  if (value >= before.current) {
    return {value - before.current, now};
  }
  // Perhaps they were taken for each other.
  if (before.older && value >= *before.older) {
    return {value - *before.older, now};
  }
  return {value, now};
}

GenerationStep StepTo(const Generations& before, uint64_t low, uint64_t high) {
  if (before.older) {
    uint64_t from_low = *before.older;
    uint64_t from_high = before.current;
    bool is_low_older = true;
    if (low < from_low || high < from_high) {
      std::swap(from_low, from_high);
      is_low_older = false;
    }
    if (low >= from_low && high >= from_high) {
      // One that grows while the other stands still is the current one.
      if (low != from_low && high == from_high) {
        is_low_older = false;
      } else if (low == from_low && high != from_high) {
        is_low_older = true;
      }
      return {low - from_low + (high - from_high),
              is_low_older ? Generations{low, high} : Generations{high, low}};
    }
  }
  // One goes on from the current one and is the older one from now on; the other is new.
  if (low >= before.current) {
    return {low - before.current + high, {low, high}};
  }
  if (high >= before.current) {
    return {high - before.current + low, {high, low}};
  }
  return {low + high, {high, low}};
}

}  // namespace network_mapper::istio
