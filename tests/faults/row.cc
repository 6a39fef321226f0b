#include "tests/faults/row.h"

#include <cstdio>

#include <fmt/format.h>

namespace network_mapper::faults {

void PrintHead() {
  fmt::print("| fault | sent | acknowledged | on the map | lost | counted | balances | |\n");
  fmt::print("|---|---|---|---|---|---|---|---|\n");
  std::fflush(stdout);
}

void Print(const Row& row) {
  std::vector<std::string> notes = row.remarks;
  if (row.surplus > 0) {
    notes.push_back(fmt::format("{} TOO MANY", row.surplus));
  }
  for (const std::string& failure : row.failures) {
    notes.push_back("FAILED: " + failure);
  }
  // Within a bound is not the same as counted.
  const char* verdict = row.died_with_collectors > 0 ? "within the bound" : "yes";
  const std::string counted = row.died_with_collectors > 0
                                  ? fmt::format("{}, {} at most died with their collectors",
                                                row.counted, row.died_with_collectors)
                                  : fmt::format("{}", row.counted);
  fmt::print("| {} | {} | {} | {} | {} | {} | {} | {} |\n", row.fault, row.sent, row.acknowledged,
             row.on_map, row.Lost(), counted, row.Balances() ? verdict : "NO",
             fmt::join(notes, "; "));
  std::fflush(stdout);
}

}  // namespace network_mapper::faults
