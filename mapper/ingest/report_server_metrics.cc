#include "mapper/ingest/report_server_metrics.h"

#include <string>

namespace network_mapper {

ReportServerMetrics::ReportServerMetrics(MetricsRegistry& registry)
    : streams(registry.AddGauge("network_mapper_report_server_streams",
                                "Report streams that collectors hold open.")),
      batches(registry.AddCounter("network_mapper_report_server_batches_total",
                                  "Batches handed to the pipeline.")),
      observations(registry.AddCounter("network_mapper_report_server_observations_total",
                                       "Observations handed to the pipeline.")),
      duplicates(registry.AddCounter("network_mapper_report_server_duplicate_batches_total",
                                     "Batches that had been applied before.")),
      pushbacks(registry.AddCounter("network_mapper_report_server_pushbacks_total",
                                    "Times that a stream had to wait for the pipeline.")),
      failed_handshakes(registry.AddCounter("network_mapper_report_server_failed_handshakes_total",
                                            "TLS handshakes that failed: a certificate not "
                                            "accepted by either side, or no TLS spoken.")),
      refused_connections(
          registry.AddCounter("network_mapper_report_server_refused_connections_total",
                              "Connections over the limit of connections or of open files.")) {
  constexpr std::array<const char*, kStreamCloseCount> kCloseNames = {
      "client",   "limit",    "bad_message", "bad_sequence",    "too_large",      "hello_timeout",
      "replaced", "shutdown", "bad_token",   "not_a_collector", "unchecked_token"};
  for (const char* name : kCloseNames) {
    closed.push_back(&registry.AddCounter("network_mapper_report_server_closed_streams_total",
                                          "Report streams that ended.", {{"reason", name}}));
  }
  for (ObservationRefusal refusal : kAllObservationRefusals) {
    refused.push_back(
        &registry.AddCounter("network_mapper_report_server_refused_observations_total",
                             "Observations that were not well-formed.",
                             {{"reason", std::string(ObservationRefusalName(refusal))}}));
  }
}

}  // namespace network_mapper
