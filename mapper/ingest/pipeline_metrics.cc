#include "mapper/ingest/pipeline_metrics.h"

#include <string>

namespace network_mapper {
namespace {

Counter& CollectorCounter(MetricsRegistry& registry, std::string_view what, std::string_view help) {
  return registry.AddCounter("network_mapper_ingest_collector_" + std::string(what) + "_total",
                             help);
}

void Add(Counter& counter, uint64_t amount) {
  if (amount > 0) {
    counter.Increment(static_cast<double>(amount));
  }
}

}  // namespace

PipelineMetrics::PipelineMetrics(MetricsRegistry& registry)
    : queued_observations(registry.AddGauge("network_mapper_ingest_queued_observations",
                                            "Observations that wait for the worker.")),
      batches(registry.AddCounter("network_mapper_ingest_batches_total",
                                  "Batches the worker has taken, duplicates included.")),
      sequence_gaps(registry.AddCounter("network_mapper_ingest_sequence_gaps_total",
                                        "Batches whose predecessor was never received.")),
      held(registry.AddCounter("network_mapper_ingest_held_total",
                               "Observations that had to wait for the inventory.")),
      hold_overflow(registry.AddCounter("network_mapper_ingest_hold_overflow_total",
                                        "Observations that could not wait for lack of room.")),
      packets_received(
          CollectorCounter(registry, "packets_received", "Packets that collectors received.")),
      packets_dropped(CollectorCounter(registry, "packets_dropped",
                                       "Packets that kernels dropped before collectors.")),
      spool_dropped(CollectorCounter(registry, "observations_dropped",
                                     "Observations that full spools dropped.")),
      malformed_packets(CollectorCounter(registry, "malformed_packets",
                                         "Packets that collectors could not read.")),
      log_lines_read(
          CollectorCounter(registry, "log_lines_read", "Lines of logs that collectors read.")),
      log_lines_refused(CollectorCounter(registry, "log_lines_refused",
                                         "Lines about an access that collectors could not use.")),
      registry_(registry) {
  for (Collector collector : kAllCollectors) {
    resolved_[static_cast<size_t>(collector)] = &registry.AddCounter(
        "network_mapper_resolve_resolved_total", "Observations that became intents.",
        {{"collector", std::string(CollectorName(collector))}});
  }
}

Counter& PipelineMetrics::Refused(Refusal reason, Collector collector) {
  Counter*& counter = refused_.at(static_cast<size_t>(reason)).at(static_cast<size_t>(collector));
  if (counter == nullptr) {
    counter = &registry_.AddCounter("network_mapper_resolve_refused_total",
                                    "Observations that did not become intents, by reason.",
                                    {{"reason", std::string(RefusalName(reason))},
                                     {"collector", std::string(CollectorName(collector))}});
  }
  return *counter;
}

void PipelineMetrics::AddTotals(const CollectorTotals& grown) {
  Add(packets_received, grown.packets_received);
  Add(packets_dropped, grown.packets_dropped_by_kernel);
  Add(spool_dropped, grown.observations_dropped_from_spool);
  Add(malformed_packets, grown.malformed_packets);
  Add(log_lines_read, grown.log_lines_read);
  Add(log_lines_refused, grown.log_lines_refused);
}

}  // namespace network_mapper
