// Publishes what capture and aggregation counted as Prometheus counters
// (network_mapper_sniffer_...). The sniffer's loop calls it at each flush.
#pragma once

#include <memory>
#include <vector>

#include "common/metrics/metrics.h"
#include "sniffer/aggregate/aggregator_statistics.h"
#include "sniffer/capture/packet_source.h"

namespace network_mapper::sniffer {

class PacketMetrics {
 public:
  // `registry` must outlive this object.
  explicit PacketMetrics(MetricsRegistry& registry);
  PacketMetrics(const PacketMetrics&) = delete;
  PacketMetrics& operator=(const PacketMetrics&) = delete;
  ~PacketMetrics();

  // Adds what grew since the last call. Counters start anew with a source that is opened again.
  void Publish(const AggregatorStatistics& aggregator,
               const std::vector<InterfaceCaptureStatistics>& capture);

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace network_mapper::sniffer
