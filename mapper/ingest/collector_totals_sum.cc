#include "mapper/ingest/collector_totals_sum.h"

#include <algorithm>

namespace network_mapper {
namespace {

// Moves `known` up to `now` and returns by how much.
uint64_t Grow(uint64_t& known, uint64_t now) {
  const uint64_t grown = now > known ? now - known : 0;
  known += grown;
  return grown;
}

}  // namespace

CollectorTotals CollectorTotalsSum::Update(const std::string& instance_id,
                                           const CollectorTotals& totals) {
  if (instance_id.empty()) {
    return {};
  }
  if (instances_.size() >= most_instances_ && instances_.count(instance_id) == 0) {
    ForgetLongestSilent();
  }
  Instance& instance = instances_[instance_id];
  instance.last_update = ++updates_;
  CollectorTotals grown;
  for (uint64_t CollectorTotals::*field :
       {&CollectorTotals::packets_received, &CollectorTotals::packets_dropped_by_kernel,
        &CollectorTotals::observations_dropped_from_spool, &CollectorTotals::malformed_packets}) {
    grown.*field = Grow(instance.totals.*field, totals.*field);
    sum_.*field += grown.*field;
  }
  return grown;
}

void CollectorTotalsSum::ForgetLongestSilent() {
  auto oldest = std::min_element(
      instances_.begin(), instances_.end(),
      [](const auto& a, const auto& b) { return a.second.last_update < b.second.last_update; });
  if (oldest != instances_.end()) {
    instances_.erase(oldest);
  }
}

}  // namespace network_mapper
