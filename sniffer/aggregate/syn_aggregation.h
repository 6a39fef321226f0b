// Sums up TCP connection attempts per (client, server, port), recognises further sightings and
// retransmissions of one SYN, and finds the SYN that a SYN-ACK answers. Used by PacketAggregator
// only.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "common/net/ip_address.h"
#include "common/time/clock.h"
#include "sniffer/aggregate/aggregator_statistics.h"
#include "sniffer/aggregate/keyed_entries.h"
#include "sniffer/aggregate/keyed_hash.h"
#include "sniffer/aggregate/packet_aggregator.h"
#include "sniffer/aggregate/recent_table.h"

namespace network_mapper::sniffer {

class SynAggregation {
 public:
  // `statistics` must outlive this object.
  SynAggregation(const PacketAggregatorOptions& options, AggregatorStatistics& statistics);

  // `packet` has the SYN flag.
  void Add(const DecodedPacket& packet, Time time);
  void Flush(std::vector<AggregatedObservation>& out);

  size_t Size() const { return entries_.Size(); }

 private:
  struct Flow {
    IpAddress client;
    IpAddress server;
    uint16_t client_port = 0;
    uint16_t server_port = 0;

    friend bool operator==(const Flow&, const Flow&) = default;
  };

  struct Entry {
    IpAddress client;
    IpAddress server;
    uint16_t server_port = 0;
    uint64_t count = 0;
    uint64_t answered = 0;
    Time first_seen;
    Time last_seen;
    std::vector<uint16_t> client_ports;
  };

  // A SYN as it was first seen: with the true source and the destination that was asked for.
  struct Attempt {
    Flow flow;
    Time last_seen;
    uint32_t interface_index = 0;
    PacketDirection direction = PacketDirection::kUnknown;
    bool answered = false;
  };

  void AddSyn(const DecodedPacket& packet, Time time);
  void AddSynAck(const DecodedPacket& packet, Time time);
  // Sequence numbers are all that address translation leaves alone.
  uint64_t HashOf(uint32_t sequence, const IpAddress& address) const;
  Attempt* FindAttempt(const DecodedPacket& packet, Time time);
  Attempt* FindAnswered(uint64_t hash, const Flow& flow, Time time);
  // Null when the interval is full.
  Entry* Touch(const Flow& flow, Time time);

  AggregatorStatistics& statistics_;
  KeyedHash hash_;
  KeyedEntries<Entry> entries_;
  RecentTable<Attempt> attempts_;
};

}  // namespace network_mapper::sniffer
