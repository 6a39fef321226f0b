#include "sniffer/app/sniffer_loop.h"

#include <algorithm>
#include <string>
#include <thread>
#include <utility>

namespace network_mapper::sniffer {

namespace {

// How soon a stop request is noticed.
constexpr std::chrono::milliseconds kLongestWait{100};
constexpr std::chrono::seconds kReopenInterval{5};
// Share of the aggregator's keys at which it is flushed before the report is due.
constexpr double kEarlyFlush = 0.8;

}  // namespace

SnifferLoop::SnifferLoop(SnifferLoopOptions options, Dependencies dependencies)
    : options_(std::move(options)),
      dependencies_(std::move(dependencies)),
      aggregator_(options_.aggregator),
      packet_metrics_(dependencies_.metrics),
      on_packet_([this](const CapturedPacket& packet) { OnPacket(packet); }) {
  for (Collector collector : kAllCollectors) {
    reported_.push_back(&dependencies_.metrics.AddCounter(
        "network_mapper_sniffer_observations_total", "Observations handed to the report stream.",
        {{"collector", std::string(CollectorName(collector))}}));
  }
}

SteadyTime SnifferLoop::Heartbeat() const {
  return SteadyTime(SteadyTime::duration(heartbeat_.load()));
}

Status SnifferLoop::CaptureState() const {
  return capture_state_.With([](const Status& state) { return state; });
}

void SnifferLoop::NoteCaptureState(const std::vector<InterfaceCaptureStatistics>& capture) {
  std::string lost;
  for (const InterfaceCaptureStatistics& source : capture) {
    if (source.lost) {
      lost += (lost.empty() ? "" : ", ") + source.interface_name;
    }
  }
  Status state = lost.empty() ? OkStatus()
                              : Unavailable(
                                    "packets are not captured on {}: gone or down; they "
                                    "will be when it is back",
                                    lost);
  capture_state_.With([&state](Status& shared) { shared = std::move(state); });
}

void SnifferLoop::OnPacket(const CapturedPacket& packet) {
  last_packet_ = packet.time;
  aggregator_.Add(packet);
}

void SnifferLoop::Capture(std::chrono::nanoseconds until_due) {
  auto wait = std::clamp(std::chrono::ceil<std::chrono::milliseconds>(until_due),
                         std::chrono::milliseconds(0), kLongestWait);
  if (dependencies_.source == nullptr) {
    std::this_thread::sleep_for(wait);
    return;
  }
  StatusOr<PollResult> result = dependencies_.source->Poll(wait, on_packet_);
  if (!result.ok()) {
    LogError("capture failed", {{"error", result.status()}});
    dependencies_.source.reset();
    capturing_ = false;
    capture_state_.With([&result](Status& state) {
      state = Annotate(result.status(), "packets are not captured");
    });
    next_reopen_ = dependencies_.clock.SteadyNow() + kReopenInterval;
    end_of_input_ = !dependencies_.reopen;
    return;
  }
  end_of_input_ = result->end_of_input;
}

void SnifferLoop::Reopen(SteadyTime now) {
  if (capturing_ || now < next_reopen_) {
    return;
  }
  next_reopen_ = now + kReopenInterval;
  StatusOr<std::unique_ptr<PacketSource>> source = dependencies_.reopen();
  if (!source.ok()) {
    LogWarn("capture cannot be opened again", {{"error", source.status()}});
    return;
  }
  LogInfo("capture is open again");
  dependencies_.source = *std::move(source);
  capturing_ = true;
  NoteCaptureState({});
}

void SnifferLoop::ScanNamespaces() {
  if (dependencies_.attributor == nullptr) {
    return;
  }
  Status status = dependencies_.attributor->ScanNamespaces();
  if (!status.ok() && scan_failed_.Allow(dependencies_.clock.SteadyNow())) {
    LogWarn("network namespaces cannot be scanned", {{"error", status}});
  }
}

CollectorTotals SnifferLoop::Totals(const std::vector<InterfaceCaptureStatistics>& capture) const {
  CollectorTotals totals;
  for (const InterfaceCaptureStatistics& source : capture) {
    totals.packets_received += source.received;
    totals.packets_dropped_by_kernel += source.dropped_by_kernel;
  }
  const AggregatorStatistics& statistics = aggregator_.Statistics();
  // The other failures are of sound packets that are not for us, such as the multicast reports of
  // every IPv6 address on a bridge.
  for (DecodeFailure failure :
       {DecodeFailure::kTruncated, DecodeFailure::kBadHeader, DecodeFailure::kTooManyHeaders}) {
    totals.malformed_packets += statistics.decode_failures[static_cast<size_t>(failure)];
  }
  totals.malformed_packets += statistics.dns_outcomes[static_cast<size_t>(DnsOutcome::kMalformed)];
  return totals;
}

void SnifferLoop::Report() {
  // The scan comes after the last packet and before attribution, which is certain only about times
  // before a scan.
  bool live = dependencies_.attributor != nullptr;
  std::vector<AggregatedObservation> aggregated =
      aggregator_.Flush(live ? dependencies_.clock.Now() : last_packet_);
  ScanNamespaces();
  std::vector<Observation> observations;
  if (live) {
    dependencies_.attributor->ScanHostSockets();
    observations = dependencies_.attributor->Attribute(std::move(aggregated));
    if (options_.scan_sockets) {
      std::vector<Observation> sockets = dependencies_.attributor->ScanSockets();
      std::move(sockets.begin(), sockets.end(), std::back_inserter(observations));
    }
  } else {
    for (AggregatedObservation& one : aggregated) {
      observations.push_back(std::move(one.observation));
    }
  }
  std::vector<InterfaceCaptureStatistics> capture;
  if (dependencies_.source != nullptr) {
    capture = dependencies_.source->Statistics();
    NoteCaptureState(capture);
  }
  packet_metrics_.Publish(aggregator_.Statistics(), capture);
  for (const Observation& observation : observations) {
    reported_[static_cast<size_t>(observation.collector)]->Increment();
  }
  dependencies_.sink(observations, Totals(capture));
}

void SnifferLoop::Turn(const std::stop_token& stop) {
  SteadyTime now = dependencies_.clock.SteadyNow();
  heartbeat_ = now.time_since_epoch().count();
  Reopen(now);
  auto most_keys = static_cast<double>(
      std::min(options_.aggregator.max_dns_keys, options_.aggregator.max_tcp_keys));
  bool full = static_cast<double>(aggregator_.PendingKeys()) >= most_keys * kEarlyFlush;
  if (now >= next_report_ || full) {
    Report();
    next_report_ = now + options_.report_interval;
    next_scan_ = now + options_.attribution_interval;
  } else if (now >= next_scan_) {
    ScanNamespaces();
    next_scan_ = now + options_.attribution_interval;
  }
  if (!stop.stop_requested()) {
    Capture(std::min(next_report_, next_scan_) - dependencies_.clock.SteadyNow());
  }
}

void SnifferLoop::Run(const std::stop_token& stop) {
  next_scan_ = dependencies_.clock.SteadyNow();
  next_report_ = next_scan_ + options_.report_interval;
  while (!stop.stop_requested() && !end_of_input_) {
    Turn(stop);
  }
  Report();
}

}  // namespace network_mapper::sniffer
