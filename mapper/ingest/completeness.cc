#include "mapper/ingest/completeness.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iterator>
#include <set>
#include <string_view>
#include <utility>

namespace network_mapper {
namespace {

// The collector that every node should have.
constexpr std::string_view kNodeComponent = "sniffer";

double Seconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

Completeness JudgeCompleteness(CompletenessParts parts) {
  std::set<std::string> reporting;
  for (const CollectorAccount& account : parts.collectors) {
    if (account.open_streams > 0 && account.name.component == kNodeComponent) {
      reporting.insert(account.name.node_name);
    }
  }
  Completeness completeness{.since = parts.map_since.value_or(parts.mapper_started),
                            .counted_since = parts.mapper_started,
                            .nodes = parts.nodes.size(),
                            .reporting_nodes = reporting.size(),
                            .silent_nodes = {},
                            .collectors = std::move(parts.collectors),
                            .sums = parts.sums};
  std::set_difference(parts.nodes.begin(), parts.nodes.end(), reporting.begin(), reporting.end(),
                      std::back_inserter(completeness.silent_nodes));
  return completeness;
}

CompletenessMetrics::CompletenessMetrics(MetricsRegistry& registry)
    : nodes(registry.AddGauge("network_mapper_ingest_nodes", "Nodes of the cluster.")),
      silent_nodes(registry.AddGauge(
          "network_mapper_ingest_silent_nodes",
          "Nodes of the cluster without a sniffer that has an open report stream.")),
      oldest_contact_seconds(registry.AddGauge(
          "network_mapper_ingest_oldest_contact_seconds",
          "How long the connected collector that was silent for longest has been so.")),
      clock_offset_seconds(
          registry.AddGauge("network_mapper_ingest_clock_offset_seconds",
                            "The largest difference between the mapper's clock and a connected "
                            "collector's, the way of a batch included.")) {}

void CompletenessMetrics::Set(const Completeness& completeness, Time now) {
  double oldest = 0;
  double offset = 0;
  for (const CollectorAccount& account : completeness.collectors) {
    if (account.open_streams == 0) {
      continue;
    }
    oldest = std::max(oldest, Seconds(now - account.last_contact));
    if (account.clock_offset) {
      offset = std::max(offset, std::abs(Seconds(*account.clock_offset)));
    }
  }
  nodes.Set(static_cast<double>(completeness.nodes));
  silent_nodes.Set(static_cast<double>(completeness.silent_nodes.size()));
  oldest_contact_seconds.Set(oldest);
  clock_offset_seconds.Set(offset);
}

}  // namespace network_mapper
