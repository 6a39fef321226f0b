// Sums up DNS answers per (client, name) and recognises further sightings of one answer. Used by
// PacketAggregator only.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "common/net/ip_address.h"
#include "common/time/clock.h"
#include "sniffer/aggregate/aggregator_statistics.h"
#include "sniffer/aggregate/keyed_entries.h"
#include "sniffer/aggregate/keyed_hash.h"
#include "sniffer/aggregate/packet_aggregator.h"
#include "sniffer/aggregate/recent_table.h"

namespace network_mapper::sniffer {

class DnsAggregation {
 public:
  // `statistics` must outlive this object.
  DnsAggregation(const PacketAggregatorOptions& options, AggregatorStatistics& statistics);

  // `packet` carried `answer`, or the end of it.
  void Add(const DnsAnswer& answer, const DecodedPacket& packet, Time time);
  void Flush(Time now, std::vector<AggregatedObservation>& out);

  size_t Size() const { return entries_.Size(); }

 private:
  struct Entry {
    IpAddress client;
    // The last server that answered.
    IpAddress server;
    uint64_t name_hash = 0;
    std::string name;
    std::vector<IpAddress> addresses;
    std::chrono::seconds ttl{0};
    uint64_t count = 0;
    Time first_seen;
    Time last_seen;
  };

  // One answer that was counted, wherever else it will be seen.
  struct Sighting {
    Time time;
    IpAddress client;
    uint16_t client_port = 0;
    PacketDirection direction = PacketDirection::kUnknown;
    uint32_t interface_index = 0;
    // Whether the client has been replaced by the one behind NAT.
    bool translated = false;
    // Where it was counted: position in entries_, valid in that interval only.
    uint32_t interval = 0;
    uint32_t position = kNotCounted;
  };

  // A server that gave a name to a client other than itself.
  struct Served {
    IpAddress server;
    Time time;
  };

  static constexpr uint32_t kNotCounted = 0xFFFFFFFFU;

  bool IsKnownSighting(uint64_t hash, const DnsAnswer& answer, const DecodedPacket& packet,
                       Time time);
  // Position in entries_, kNotCounted when the interval is full.
  uint32_t Count(uint64_t name_hash, const DnsAnswer& answer, const DecodedPacket& packet,
                 Time time);
  void NoteServed(const Entry& entry);
  bool IsForwarder(const Entry& entry, Time now);

  const PacketAggregatorOptions& options_;
  AggregatorStatistics& statistics_;
  KeyedHash hash_;
  KeyedEntries<Entry> entries_;
  RecentTable<Sighting> sightings_;
  RecentTable<Served> served_;
  uint32_t interval_ = 0;
};

}  // namespace network_mapper::sniffer
