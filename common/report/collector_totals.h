// Totals of one collector since its start, which travel with every batch of the report stream and
// let the mapper say how complete the map is. Filled in by collectors, read by the pipeline.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/time/clock.h"

namespace network_mapper {

// Limits of the notices: more, or what a longer one has beyond, is cut off.
inline constexpr size_t kMostNotices = 4;
inline constexpr size_t kLongestNotice = 480;

struct CollectorTotals {
  uint64_t packets_received = 0;
  uint64_t packets_dropped_by_kernel = 0;
  // The report client adds what its own spool had to drop.
  uint64_t observations_dropped_from_spool = 0;
  uint64_t malformed_packets = 0;
  // Of collectors that read logs: lines in all, and those that were about an access and could not
  // be used.
  uint64_t log_lines_read = 0;
  uint64_t log_lines_refused = 0;
  // When the batch was sent for the first time, by the collector's clock; the report client fills
  // it in.
  std::optional<Time> sent_at = std::nullopt;
  // No total: what a person should know of the collector just now, with the remedy.
  std::vector<std::string> notices{};

  friend bool operator==(const CollectorTotals&, const CollectorTotals&) = default;
};

}  // namespace network_mapper
