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
  fmt::print("| {} | {} | {} | {} | {} | {} | {} | {} |\n", row.fault, row.sent, row.acknowledged,
             row.on_map, row.Lost(), row.counted, row.Balances() ? "yes" : "NO",
             fmt::join(notes, "; "));
  std::fflush(stdout);
}

}  // namespace network_mapper::faults
