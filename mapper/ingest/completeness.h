// How complete the map is: which nodes report, what was lost on the way, and what could not be
// resolved. Put together for the API and the metrics.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/metrics/metrics.h"
#include "common/time/clock.h"
#include "mapper/ingest/collector_ledger.h"

namespace network_mapper {

struct Completeness {
  // Since when the map holds what was seen.
  Time since;
  // Since when losses and refusals are counted: the start of the mapper, of the first one if
  // several share the map.
  Time counted_since;
  size_t nodes = 0;
  size_t reporting_nodes = 0;
  // Nodes of the cluster without a sniffer that has an open report stream. Sorted.
  std::vector<std::string> silent_nodes;
  std::vector<CollectorAccount> collectors;
  CollectorSums sums;
  // Additions that a limit of the intent store kept out: whole intents, or parts of them.
  uint64_t kept_out = 0;
};

// What a mapper knows of its collectors, and had no room for, since its start.
struct LedgerExtract {
  Time mapper_started;
  std::vector<CollectorAccount> collectors;
  CollectorSums sums;
  uint64_t kept_out = 0;
};

struct CompletenessParts {
  // Absent for a map that began with the mapper.
  std::optional<Time> map_since;
  // Of the cluster; sorted.
  std::vector<std::string> nodes;
  LedgerExtract ledger;
  // Of the other mappers that share the map. A collector that changed over is in several.
  std::vector<LedgerExtract> other_ledgers;
};

// With a sniffer that has an open report stream. Each once, sorted.
std::vector<std::string> NodesThatReport(const std::vector<LedgerExtract>& ledgers);

Completeness JudgeCompleteness(CompletenessParts parts);

struct CompletenessMetrics {
  // `registry` must outlive the metrics.
  explicit CompletenessMetrics(MetricsRegistry& registry);

  void Set(const Completeness& completeness, Time now);

  Gauge& nodes;
  Gauge& silent_nodes;
  Gauge& oldest_contact_seconds;
  Gauge& clock_offset_seconds;
};

}  // namespace network_mapper
