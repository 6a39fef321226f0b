#include "sniffer/aggregate/packet_aggregator.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "sniffer/aggregate/dns_aggregation.h"
#include "sniffer/aggregate/syn_aggregation.h"

namespace network_mapper::sniffer {

namespace {

// Ends that are no other workload: the host talking to itself, or nobody in particular.
bool IsIgnored(const IpAddress& address) {
  static const IpAddress broadcast =
      IpAddress::FromV4Bytes(std::array<uint8_t, 4>{255, 255, 255, 255});
  return address.IsLoopback() || address.IsMulticast() || address.IsUnspecified() ||
         address == broadcast;
}

}  // namespace

class PacketAggregator::Implementation {
 public:
  explicit Implementation(PacketAggregatorOptions options)
      : options_(std::move(options)),
        dns_(options_, statistics_),
        syn_(options_, statistics_),
        reassembler_(DnsTcpReassembler::Options{}) {}

  void Add(const CapturedPacket& captured) {
    ++statistics_.packets;
    auto decoded = DecodePacket(captured);
    if (const auto* failure = std::get_if<DecodeFailure>(&decoded)) {
      ++statistics_.decode_failures[static_cast<size_t>(*failure)];
      return;
    }
    const DecodedPacket& packet = std::get<DecodedPacket>(decoded);
    bool from_dns = options_.dns && IsDnsPort(packet.source_port);
    bool syn =
        options_.tcp_syn && packet.protocol == Protocol::kTcp && (packet.tcp_flags & kTcpSyn) != 0;
    if (!from_dns && !syn) {
      return;
    }
    if (IsIgnored(packet.source) || IsIgnored(packet.destination)) {
      ++statistics_.ignored_addresses;
      return;
    }
    if (syn) {
      syn_.Add(packet, captured.time);
    }
    if (from_dns && packet.protocol == Protocol::kUdp) {
      AddDatagram(packet, captured.time);
    } else if (from_dns) {
      AddSegment(packet, captured.time);
    }
  }

  std::vector<AggregatedObservation> Flush(Time now) {
    std::vector<AggregatedObservation> out;
    out.reserve(PendingKeys());
    dns_.Flush(now, out);
    syn_.Flush(out);
    reassembler_.Expire(now);
    statistics_.dns_tcp = reassembler_.Statistics();
    return out;
  }

  size_t PendingKeys() const { return dns_.Size() + syn_.Size(); }

  const AggregatorStatistics& Statistics() const { return statistics_; }

 private:
  bool IsDnsPort(uint16_t port) const {
    return std::ranges::find(options_.dns_ports, port) != options_.dns_ports.end();
  }

  void AddDatagram(const DecodedPacket& packet, Time time) {
    DnsOutcome outcome = parser_.Parse(packet.payload);
    if (outcome == DnsOutcome::kMalformed && !packet.payload_complete) {
      ++statistics_.dns_incomplete;
      return;
    }
    AddOutcome(outcome, packet, time);
  }

  void AddSegment(const DecodedPacket& packet, Time time) {
    DnsTcpFlow flow{.server = packet.source,
                    .client = packet.destination,
                    .server_port = packet.source_port,
                    .client_port = packet.destination_port};
    DnsTcpSegment segment{.time = time,
                          .sequence = packet.sequence,
                          .syn = (packet.tcp_flags & kTcpSyn) != 0,
                          .last = (packet.tcp_flags & (kTcpFin | kTcpRst)) != 0,
                          .complete = packet.payload_complete,
                          .payload = packet.payload};
    reassembler_.Add(flow, segment, [&](std::span<const uint8_t> message) {
      AddOutcome(parser_.Parse(message), packet, time);
    });
    statistics_.dns_tcp = reassembler_.Statistics();
  }

  void AddOutcome(DnsOutcome outcome, const DecodedPacket& packet, Time time) {
    ++statistics_.dns_outcomes[static_cast<size_t>(outcome)];
    if (outcome == DnsOutcome::kAnswer) {
      dns_.Add(parser_.Answer(), packet, time);
    }
  }

  PacketAggregatorOptions options_;
  AggregatorStatistics statistics_;
  DnsResponseParser parser_;
  DnsAggregation dns_;
  SynAggregation syn_;
  DnsTcpReassembler reassembler_;
};

PacketAggregator::PacketAggregator(PacketAggregatorOptions options)
    : implementation_(std::make_unique<Implementation>(std::move(options))) {}

PacketAggregator::~PacketAggregator() = default;

void PacketAggregator::Add(const CapturedPacket& packet) {
  implementation_->Add(packet);
}

std::vector<AggregatedObservation> PacketAggregator::Flush(Time now) {
  return implementation_->Flush(now);
}

size_t PacketAggregator::PendingKeys() const {
  return implementation_->PendingKeys();
}

const AggregatorStatistics& PacketAggregator::Statistics() const {
  return implementation_->Statistics();
}

}  // namespace network_mapper::sniffer
