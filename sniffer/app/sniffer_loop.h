// The sniffer's loop: capture until the report is due, look who has which address, flush,
// attribute, hand over. One thread runs it and owns everything in it. It knows neither gRPC nor
// options.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <vector>

#include "common/concurrency/guarded.h"
#include "common/log/log.h"
#include "common/metrics/metrics.h"
#include "common/observation/observation.h"
#include "common/report/collector_totals.h"
#include "common/status/status.h"
#include "common/time/clock.h"
#include "sniffer/aggregate/packet_aggregator.h"
#include "sniffer/aggregate/packet_metrics.h"
#include "sniffer/app/attributor.h"
#include "sniffer/capture/packet_source.h"

namespace network_mapper::sniffer {

// Takes what one interval has seen; must not block. Called from the loop's thread.
using ObservationSink =
    std::function<void(const std::vector<Observation>&, const CollectorTotals&)>;
// Opens the packet source anew after it failed. Empty for a file: its failure is the end of input.
using SourceOpener = std::function<StatusOr<std::unique_ptr<PacketSource>>()>;

struct SnifferLoopOptions {
  std::chrono::nanoseconds report_interval = std::chrono::seconds(1);
  std::chrono::nanoseconds attribution_interval = std::chrono::milliseconds(250);
  bool scan_sockets = true;
  PacketAggregatorOptions aggregator;
};

class SnifferLoop {
 public:
  struct Dependencies {
    // Null: nothing is captured.
    std::unique_ptr<PacketSource> source;
    SourceOpener reopen;
    // Null: pods are not looked for (a capture file from elsewhere).
    Attributor* attributor = nullptr;
    ObservationSink sink;
    const Clock& clock;
    MetricsRegistry& metrics;
  };

  SnifferLoop(SnifferLoopOptions options, Dependencies dependencies);

  // Until stop is requested, or the end of the input of a file; hands over what is left before it
  // returns.
  void Run(const std::stop_token& stop);

  // Thread-safe. Time of the loop's last turn.
  SteadyTime Heartbeat() const;
  // Thread-safe. After Run whether the input was read to its end. OK while packets can arrive from
  // everywhere, or none are wanted; else it names the interfaces that are missing.
  Status CaptureState() const;

 private:
  void Turn(const std::stop_token& stop);
  void Capture(std::chrono::nanoseconds until_due);
  void Reopen(SteadyTime now);
  void NoteCaptureState(const std::vector<InterfaceCaptureStatistics>& capture);
  void ScanNamespaces();
  void Report();
  void OnPacket(const CapturedPacket& packet);
  CollectorTotals Totals(const std::vector<InterfaceCaptureStatistics>& capture) const;

  SnifferLoopOptions options_;
  Dependencies dependencies_;
  PacketAggregator aggregator_;
  PacketMetrics packet_metrics_;
  std::vector<Counter*> reported_;
  PacketHandler on_packet_;
  SteadyTime next_report_;
  SteadyTime next_scan_;
  SteadyTime next_reopen_;
  Time last_packet_;
  bool end_of_input_ = false;
  LogRateLimit scan_failed_{std::chrono::minutes(1)};
  std::atomic<SteadyTime::rep> heartbeat_{0};
  // The source has not failed as a whole.
  bool capturing_ = true;
  Guarded<Status> capture_state_;
};

}  // namespace network_mapper::sniffer
