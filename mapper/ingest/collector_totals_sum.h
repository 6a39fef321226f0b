// Adds up what collector instances report about themselves. Each instance reports totals since its
// start, so only what they have grown counts. Used by the pipeline; not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "common/report/collector_totals.h"

namespace network_mapper {

class CollectorTotalsSum {
 public:
  explicit CollectorTotalsSum(size_t most_instances = 20'000) : most_instances_(most_instances) {}

  // Returns what has come on top. A total that went down (late batch) counts nothing.
  CollectorTotals Update(const std::string& instance_id, const CollectorTotals& totals);

  const CollectorTotals& Sum() const { return sum_; }

 private:
  struct Instance {
    CollectorTotals totals;
    uint64_t last_update = 0;
  };

  void ForgetLongestSilent();

  size_t most_instances_;
  uint64_t updates_ = 0;
  CollectorTotals sum_;
  std::unordered_map<std::string, Instance> instances_;
};

}  // namespace network_mapper
