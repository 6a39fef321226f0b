// The pipeline's instruments.
#pragma once

#include <array>
#include <cstddef>

#include "common/metrics/metrics.h"
#include "common/observation/observation.h"
#include "common/report/collector_totals.h"
#include "mapper/resolve/refusal.h"

namespace network_mapper {

struct PipelineMetrics {
  // `registry` must outlive the metrics.
  explicit PipelineMetrics(MetricsRegistry& registry);

  // Made at the first refusal, so that what never happens is not exported. One thread at a time.
  Counter& Refused(Refusal reason, Collector collector);

  Counter& Resolved(Collector collector) { return *resolved_[static_cast<size_t>(collector)]; }

  Gauge& queued_observations;
  Counter& batches;
  Counter& sequence_gaps;
  Counter& held;
  Counter& hold_overflow;
  Counter& packets_received;
  Counter& packets_dropped;
  Counter& spool_dropped;
  Counter& malformed_packets;
  Counter& log_lines_read;
  Counter& log_lines_refused;

  void AddTotals(const CollectorTotals& grown);

 private:
  MetricsRegistry& registry_;
  std::array<Counter*, kAllCollectors.size()> resolved_{};
  std::array<std::array<Counter*, kAllCollectors.size()>, kAllRefusals.size()> refused_{};
};

}  // namespace network_mapper
