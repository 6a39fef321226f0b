// A row of the table: what became of the observations that were reported around a fault.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace network_mapper::faults {

struct Row {
  std::string fault;
  uint64_t sent = 0;
  uint64_t acknowledged = 0;
  uint64_t on_map = 0;
  // Shown by the mapper's metrics: dropped from spools, refused, over a limit.
  uint64_t counted = 0;
  // What killed collectors had not been told to be acknowledged: may be lost, and nobody is left to
  // count it.
  uint64_t died_with_collectors = 0;
  // On the map although nobody reported it, or more often than it was reported.
  uint64_t surplus = 0;
  std::vector<std::string> remarks;
  // Promises that did not hold, beside the figures.
  std::vector<std::string> failures;

  uint64_t Lost() const { return sent - on_map; }

  // Nothing is on the map that was not reported, and what is missing was counted, or may have died
  // with its collector.
  bool Balances() const {
    return surplus == 0 && Lost() >= counted && Lost() <= counted + died_with_collectors &&
           failures.empty();
  }
};

void PrintHead();
void Print(const Row& row);

}  // namespace network_mapper::faults
