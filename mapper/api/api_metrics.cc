#include "mapper/api/api_metrics.h"

namespace network_mapper {

namespace {

constexpr const char* kRequests = "network_mapper_api_requests_total";
constexpr const char* kRequestsHelp = "GraphQL requests, by whether they were executed.";
constexpr const char* kMutations = "network_mapper_api_mutation_refusals_total";
constexpr const char* kMutationsHelp = "Mutations refused for their token or port, by reason.";
constexpr const char* kReports = "network_mapper_api_report_refusals_total";
constexpr const char* kReportsHelp =
    "Reports of original collectors that had no effect, by reason.";

}  // namespace

ApiMetrics::ApiMetrics(MetricsRegistry& registry)
    : requests_ok(registry.AddCounter(kRequests, kRequestsHelp, {{"result", "executed"}})),
      requests_refused(registry.AddCounter(kRequests, kRequestsHelp, {{"result", "refused"}})),
      too_fast_requests(registry.AddCounter(kRequests, kRequestsHelp, {{"result", "too_fast"}})),
      unauthenticated_mutations(
          registry.AddCounter(kMutations, kMutationsHelp, {{"reason", "bad_token"}})),
      forbidden_mutations(
          registry.AddCounter(kMutations, kMutationsHelp, {{"reason", "not_permitted"}})),
      unchecked_mutations(
          registry.AddCounter(kMutations, kMutationsHelp, {{"reason", "unchecked_token"}})),
      observations(registry.AddCounter("network_mapper_api_observations_total",
                                       "Observations taken from GraphQL mutations.")),
      malformed_observations(
          registry.AddCounter("network_mapper_api_observations_malformed_total",
                              "Parts of GraphQL reports that make no observation.")),
      unsupported_reports(registry.AddCounter(kReports, kReportsHelp, {{"reason", "unsupported"}})),
      full_reports(registry.AddCounter(kReports, kReportsHelp, {{"reason", "queue_full"}})) {}

}  // namespace network_mapper
