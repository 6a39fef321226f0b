#include "sniffer/aggregate/packet_metrics.h"

#include <array>
#include <functional>
#include <map>
#include <string>

namespace network_mapper::sniffer {

namespace {

constexpr std::string_view kUncountedName = "network_mapper_sniffer_packet_events_uncounted_total";
constexpr std::string_view kUncountedHelp =
    "DNS answers and SYNs that were seen and not counted for a client, by reason.";
constexpr std::string_view kTcpName = "network_mapper_sniffer_dns_tcp_events_total";
constexpr std::string_view kTcpHelp = "What became of DNS over TCP, by event.";

// A counter that follows a number which only grows.
struct Followed {
  Counter* counter = nullptr;
  std::function<uint64_t(const AggregatorStatistics&)> read;
  uint64_t published = 0;
};

uint64_t Growth(uint64_t now, uint64_t before) {
  return now >= before ? now - before : now;
}

}  // namespace

class PacketMetrics::Implementation {
 public:
  explicit Implementation(MetricsRegistry& registry)
      : received_(registry.AddCounter("network_mapper_sniffer_captured_packets_total",
                                      "Packets that passed the kernel's filter.")),
        kernel_drops_(Dropped(registry, "kernel")),
        interface_drops_(Dropped(registry, "interface")),
        lost_interfaces_(registry.AddGauge("network_mapper_sniffer_capture_interfaces_lost",
                                           "Interfaces that capture was opened on and that are "
                                           "gone or down.")),
        losses_(registry.AddCounter("network_mapper_sniffer_capture_interface_losses_total",
                                    "Times that a captured interface went or came down.")) {
    Follow(registry.AddCounter("network_mapper_sniffer_decoded_packets_total",
                               "Packets handed to the decoder."),
           [](const AggregatorStatistics& s) { return s.packets; });
    for (DecodeFailure failure : kAllDecodeFailures) {
      Follow(registry.AddCounter("network_mapper_sniffer_undecoded_packets_total",
                                 "Packets without a UDP or TCP payload to look at, by reason.",
                                 {{"reason", std::string(DecodeFailureName(failure))}}),
             [failure](const AggregatorStatistics& s) {
               return s.decode_failures[static_cast<size_t>(failure)];
             });
    }
    for (DnsOutcome outcome : kAllDnsOutcomes) {
      Follow(registry.AddCounter("network_mapper_sniffer_dns_messages_total",
                                 "Messages from a DNS port, every sighting, by outcome.",
                                 {{"outcome", std::string(DnsOutcomeName(outcome))}}),
             [outcome](const AggregatorStatistics& s) {
               return s.dns_outcomes[static_cast<size_t>(outcome)];
             });
    }
    FollowUncounted(registry);
    FollowDnsOverTcp(registry);
  }

  void Publish(const AggregatorStatistics& aggregator,
               const std::vector<InterfaceCaptureStatistics>& capture) {
    for (Followed& followed : followed_) {
      uint64_t now = followed.read(aggregator);
      followed.counter->Increment(static_cast<double>(Growth(now, followed.published)));
      followed.published = now;
    }
    double lost = 0;
    for (const InterfaceCaptureStatistics& now : capture) {
      InterfaceCaptureStatistics& before = captured_[now.interface_name];
      received_.Increment(static_cast<double>(Growth(now.received, before.received)));
      kernel_drops_.Increment(
          static_cast<double>(Growth(now.dropped_by_kernel, before.dropped_by_kernel)));
      interface_drops_.Increment(
          static_cast<double>(Growth(now.dropped_by_interface, before.dropped_by_interface)));
      losses_.Increment(static_cast<double>(Growth(now.losses, before.losses)));
      lost += now.lost ? 1 : 0;
      before = now;
    }
    lost_interfaces_.Set(lost);
  }

 private:
  using Statistics = AggregatorStatistics;

  static Counter& Dropped(MetricsRegistry& registry, const std::string& where) {
    return registry.AddCounter("network_mapper_sniffer_capture_dropped_packets_total",
                               "Packets lost before the sniffer could read them, by place.",
                               {{"place", where}});
  }

  void Follow(Counter& counter, std::function<uint64_t(const AggregatorStatistics&)> read) {
    followed_.push_back({.counter = &counter, .read = std::move(read), .published = 0});
  }

  template <typename Read>
  void FollowReason(MetricsRegistry& registry, const std::string& reason, Read read) {
    Follow(registry.AddCounter(kUncountedName, kUncountedHelp, {{"reason", reason}}), read);
  }

  template <typename Read>
  void FollowTcpEvent(MetricsRegistry& registry, const std::string& event, Read read) {
    Follow(registry.AddCounter(kTcpName, kTcpHelp, {{"event", event}}), read);
  }

  void FollowUncounted(MetricsRegistry& registry) {
    FollowReason(registry, "dns_incomplete", [](const Statistics& s) { return s.dns_incomplete; });
    FollowReason(registry, "dns_duplicate", [](const Statistics& s) { return s.dns_duplicates; });
    FollowReason(registry, "dns_translated",
                 [](const Statistics& s) { return s.dns_translations; });
    FollowReason(registry, "syn_duplicate", [](const Statistics& s) { return s.syn_duplicates; });
    FollowReason(registry, "syn_ack_unmatched",
                 [](const Statistics& s) { return s.syn_ack_unmatched; });
    FollowReason(registry, "ignored_address",
                 [](const Statistics& s) { return s.ignored_addresses; });
    FollowReason(registry, "dns_forwarder",
                 [](const Statistics& s) { return s.ignored_forwarders; });
    FollowReason(registry, "dns_overflow", [](const Statistics& s) { return s.dns_overflow; });
    FollowReason(registry, "tcp_overflow", [](const Statistics& s) { return s.tcp_overflow; });
  }

  void FollowDnsOverTcp(MetricsRegistry& registry) {
    FollowTcpEvent(registry, "message", [](const Statistics& s) { return s.dns_tcp.messages; });
    FollowTcpEvent(registry, "retransmitted_segment",
                   [](const Statistics& s) { return s.dns_tcp.retransmitted_segments; });
    FollowTcpEvent(registry, "unsynchronised_segment",
                   [](const Statistics& s) { return s.dns_tcp.unsynchronised_segments; });
    FollowTcpEvent(registry, "given_up_gap",
                   [](const Statistics& s) { return s.dns_tcp.given_up_gap; });
    FollowTcpEvent(registry, "given_up_age",
                   [](const Statistics& s) { return s.dns_tcp.given_up_age; });
    FollowTcpEvent(registry, "given_up_memory",
                   [](const Statistics& s) { return s.dns_tcp.given_up_memory; });
    FollowTcpEvent(registry, "given_up_closed",
                   [](const Statistics& s) { return s.dns_tcp.given_up_closed; });
  }

  std::vector<Followed> followed_;
  std::map<std::string, InterfaceCaptureStatistics> captured_;
  Counter& received_;
  Counter& kernel_drops_;
  Counter& interface_drops_;
  Gauge& lost_interfaces_;
  Counter& losses_;
};

PacketMetrics::PacketMetrics(MetricsRegistry& registry)
    : implementation_(std::make_unique<Implementation>(registry)) {}

PacketMetrics::~PacketMetrics() = default;

void PacketMetrics::Publish(const AggregatorStatistics& aggregator,
                            const std::vector<InterfaceCaptureStatistics>& capture) {
  implementation_->Publish(aggregator, capture);
}

}  // namespace network_mapper::sniffer
