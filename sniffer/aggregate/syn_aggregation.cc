#include "sniffer/aggregate/syn_aggregation.h"

#include <algorithm>
#include <utility>

#include "sniffer/aggregate/within.h"

namespace network_mapper::sniffer {

namespace {

// Linux sends a SYN seven times, with pauses of 1, 2, 4, ... up to 64 seconds.
constexpr std::chrono::seconds kRetransmission{70};
// Between sightings of one SYN before and after translation: microseconds, unless CPUs are starved.
constexpr std::chrono::seconds kTranslation{1};

}  // namespace

SynAggregation::SynAggregation(const PacketAggregatorOptions& options,
                               AggregatorStatistics& statistics)
    : statistics_(statistics), entries_(options.max_tcp_keys), attempts_(options.max_recent_syns) {}

void SynAggregation::Add(const DecodedPacket& packet, Time time) {
  if ((packet.tcp_flags & kTcpAck) != 0) {
    AddSynAck(packet, time);
  } else {
    AddSyn(packet, time);
  }
}

void SynAggregation::AddSyn(const DecodedPacket& packet, Time time) {
  if (Attempt* known = FindAttempt(packet, time)) {
    known->last_seen = std::max(known->last_seen, time);
    ++statistics_.syn_duplicates;
    return;
  }
  Flow flow{.client = packet.source,
            .server = packet.destination,
            .client_port = packet.source_port,
            .server_port = packet.destination_port};
  attempts_.Insert(HashOf(packet.sequence, packet.source),
                   {.flow = flow,
                    .last_seen = time,
                    .interface_index = packet.interface_index,
                    .direction = packet.direction,
                    .answered = false});
  Entry* entry = Touch(flow, time);
  if (entry == nullptr) {
    ++statistics_.tcp_overflow;
    return;
  }
  ++entry->count;
  if (entry->client_ports.size() < kMaxClientPorts &&
      std::ranges::find(entry->client_ports, flow.client_port) == entry->client_ports.end()) {
    entry->client_ports.push_back(flow.client_port);
  }
}

SynAggregation::Attempt* SynAggregation::FindAttempt(const DecodedPacket& packet, Time time) {
  uint64_t hash = HashOf(packet.sequence, packet.source);
  Flow flow{.client = packet.source,
            .server = packet.destination,
            .client_port = packet.source_port,
            .server_port = packet.destination_port};
  Attempt* same = attempts_.Find(hash, [&](const Attempt& attempt) {
    return attempt.flow == flow && Within(attempt.last_seen, time, kRetransmission);
  });
  if (same != nullptr) {
    return same;
  }
  // After DNAT or SNAT (which may change the port too) the sequence number is left. A scanner that
  // uses one number for many targets is told apart by being seen at the same point again.
  return attempts_.Find(hash, [&](const Attempt& attempt) {
    if (!Within(attempt.last_seen, time, kTranslation)) {
      return false;
    }
    if (packet.interface_index == 0 || attempt.interface_index == 0) {
      return attempt.flow.client_port == packet.source_port;
    }
    return attempt.interface_index != packet.interface_index ||
           attempt.direction != packet.direction;
  });
}

void SynAggregation::AddSynAck(const DecodedPacket& packet, Time time) {
  Flow flow{.client = packet.destination,
            .server = packet.source,
            .client_port = packet.destination_port,
            .server_port = packet.source_port};
  Attempt* attempt =
      FindAnswered(HashOf(packet.acknowledgement - 1, packet.destination), flow, time);
  if (attempt == nullptr) {
    ++statistics_.syn_ack_unmatched;
    return;
  }
  if (attempt->answered) {
    return;
  }
  attempt->answered = true;
  // When the SYN has been flushed already this makes an entry of count 0.
  Entry* entry = Touch(attempt->flow, time);
  if (entry == nullptr) {
    ++statistics_.tcp_overflow;
    return;
  }
  ++entry->answered;
}

SynAggregation::Attempt* SynAggregation::FindAnswered(uint64_t hash, const Flow& flow, Time time) {
  Attempt* exact = nullptr;
  Attempt* same_client = nullptr;
  Attempt* any = nullptr;
  size_t same_clients = 0;
  size_t candidates = 0;
  attempts_.Find(hash, [&](Attempt& attempt) {
    if (!Within(attempt.last_seen, time, kRetransmission)) {
      return false;
    }
    if (attempt.flow == flow) {
      exact = &attempt;
      return true;
    }
    if (attempt.flow.client == flow.client && attempt.flow.client_port == flow.client_port) {
      same_client = &attempt;
      ++same_clients;
    }
    any = &attempt;
    ++candidates;
    return false;
  });
  if (exact != nullptr) {
    return exact;
  }
  // Before its translation is undone an answer has other addresses; then it must leave no doubt.
  if (same_clients > 0) {
    return same_clients == 1 ? same_client : nullptr;
  }
  return candidates == 1 ? any : nullptr;
}

uint64_t SynAggregation::HashOf(uint32_t sequence, const IpAddress& address) const {
  return hash_.Mix(sequence, address.IsV4() ? 4 : 6);
}

SynAggregation::Entry* SynAggregation::Touch(const Flow& flow, Time time) {
  uint64_t hash = hash_.OfAddress(flow.client, hash_.OfAddress(flow.server, flow.server_port));
  Entry* entry = entries_.Find(hash, [&](const Entry& candidate) {
    return candidate.client == flow.client && candidate.server == flow.server &&
           candidate.server_port == flow.server_port;
  });
  if (entry == nullptr) {
    return entries_.Insert(hash, Entry{.client = flow.client,
                                       .server = flow.server,
                                       .server_port = flow.server_port,
                                       .count = 0,
                                       .answered = 0,
                                       .first_seen = time,
                                       .last_seen = time,
                                       .client_ports = {}});
  }
  entry->first_seen = std::min(entry->first_seen, time);
  entry->last_seen = std::max(entry->last_seen, time);
  return entry;
}

void SynAggregation::Flush(std::vector<AggregatedObservation>& out) {
  for (Entry& entry : entries_.Entries()) {
    AggregatedObservation& aggregated = out.emplace_back();
    Observation& observation = aggregated.observation;
    observation.collector = Collector::kTcpSyn;
    observation.first_seen = entry.first_seen;
    observation.last_seen = entry.last_seen;
    observation.count = entry.count;
    observation.client.ip = entry.client;
    observation.target = AddressTarget{.address = entry.server,
                                       .port = entry.server_port,
                                       .protocol = Protocol::kTcp,
                                       .answered = entry.answered};
    aggregated.client_ports = std::move(entry.client_ports);
  }
  entries_.Clear();
}

}  // namespace network_mapper::sniffer
