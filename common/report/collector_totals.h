// Totals of one collector since its start, which travel with every batch of the report stream and
// let the mapper say how complete the map is. Filled in by collectors, read by the pipeline.
#pragma once

#include <cstdint>
#include <optional>

#include "common/time/clock.h"

namespace network_mapper {

struct CollectorTotals {
  uint64_t packets_received = 0;
  uint64_t packets_dropped_by_kernel = 0;
  // The report client adds what its own spool had to drop.
  uint64_t observations_dropped_from_spool = 0;
  uint64_t malformed_packets = 0;
  // When the batch was sent for the first time, by the collector's clock; the report client fills
  // it in.
  std::optional<Time> sent_at = std::nullopt;

  friend bool operator==(const CollectorTotals&, const CollectorTotals&) = default;
};

}  // namespace network_mapper
