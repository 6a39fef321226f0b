#include "sniffer/aggregate/dns_aggregation.h"

#include <algorithm>
#include <utility>

#include "sniffer/aggregate/within.h"

namespace network_mapper::sniffer {

namespace {

// Sightings of one answer on one node are microseconds apart; a client that asks again with the
// same id and port waits for seconds.
constexpr std::chrono::seconds kSameAnswer{1};
// Between the sightings before and after NAT. Short, for here only id and name tell that the answer
// is the same.
constexpr std::chrono::milliseconds kTranslatedAnswer{20};
// How long a server counts as one that forwards a name.
constexpr std::chrono::minutes kServedName{10};

}  // namespace

DnsAggregation::DnsAggregation(const PacketAggregatorOptions& options,
                               AggregatorStatistics& statistics)
    : options_(options),
      statistics_(statistics),
      entries_(options.max_dns_keys),
      sightings_(options.max_recent_answers),
      served_(options.max_recent_answers) {}

void DnsAggregation::Add(const DnsAnswer& answer, const DecodedPacket& packet, Time time) {
  uint64_t name_hash = hash_.OfText(answer.name);
  uint64_t sighting_hash = hash_.Mix(name_hash, answer.id);
  if (IsKnownSighting(sighting_hash, answer, packet, time)) {
    return;
  }
  Sighting sighting{.time = time,
                    .client = packet.destination,
                    .client_port = packet.destination_port,
                    .direction = packet.direction,
                    .interface_index = packet.interface_index,
                    .translated = false,
                    .interval = interval_,
                    .position = Count(name_hash, answer, packet, time)};
  sightings_.Insert(sighting_hash, sighting);
}

bool DnsAggregation::IsKnownSighting(uint64_t hash, const DnsAnswer& answer,
                                     const DecodedPacket& packet, Time time) {
  Sighting* same = sightings_.Find(hash, [&](const Sighting& sighting) {
    return sighting.client == packet.destination &&
           sighting.client_port == packet.destination_port &&
           Within(sighting.time, time, kSameAnswer);
  });
  if (same != nullptr) {
    ++statistics_.dns_duplicates;
    return true;
  }
  // An answer comes in for the node's address and leaves towards the pod's: masqueraded queries,
  // and a cache on the node that asks upstream with its client's id. Where no direction is known,
  // it is another interface that tells.
  bool outgoing = packet.direction == PacketDirection::kOutgoing;
  if (!outgoing && packet.direction != PacketDirection::kUnknown) {
    return false;
  }
  Sighting* before = sightings_.Find(hash, [&](const Sighting& sighting) {
    bool unknown = sighting.direction == PacketDirection::kUnknown;
    bool other_side = outgoing ? !unknown && sighting.direction != PacketDirection::kOutgoing
                               : unknown && sighting.interface_index != packet.interface_index;
    return other_side && !sighting.translated && Within(sighting.time, time, kTranslatedAnswer);
  });
  if (before == nullptr) {
    return false;
  }
  ++statistics_.dns_translations;
  if (before->interval == interval_ && before->position != kNotCounted) {
    // An entry whose count reaches zero is left out at the flush.
    --entries_.Entries()[before->position].count;
  }
  before->client = packet.destination;
  before->client_port = packet.destination_port;
  before->translated = true;
  before->interval = interval_;
  before->position = Count(hash_.OfText(answer.name), answer, packet, time);
  return true;
}

uint32_t DnsAggregation::Count(uint64_t name_hash, const DnsAnswer& answer,
                               const DecodedPacket& packet, Time time) {
  uint64_t hash = hash_.OfAddress(packet.destination, name_hash);
  Entry* entry = entries_.Find(hash, [&](const Entry& candidate) {
    return candidate.client == packet.destination && candidate.name == answer.name;
  });
  if (entry == nullptr) {
    entry = entries_.Insert(hash, Entry{.client = packet.destination,
                                        .server = packet.source,
                                        .name_hash = name_hash,
                                        .name = answer.name,
                                        .addresses = {},
                                        .ttl = answer.ttl,
                                        .count = 0,
                                        .first_seen = time,
                                        .last_seen = time});
    if (entry == nullptr) {
      ++statistics_.dns_overflow;
      return kNotCounted;
    }
    NoteServed(*entry);
  } else if (entry->server != packet.source) {
    entry->server = packet.source;
    NoteServed(*entry);
  }
  ++entry->count;
  entry->ttl = std::min(entry->ttl, answer.ttl);
  entry->first_seen = std::min(entry->first_seen, time);
  entry->last_seen = std::max(entry->last_seen, time);
  for (const IpAddress& address : answer.addresses) {
    if (entry->addresses.size() < kMaxAddressesPerName &&
        std::ranges::find(entry->addresses, address) == entry->addresses.end()) {
      entry->addresses.push_back(address);
    }
  }
  return static_cast<uint32_t>(entries_.PositionOf(entry));
}

void DnsAggregation::NoteServed(const Entry& entry) {
  if (!options_.ignore_forwarders || entry.server == entry.client) {
    return;
  }
  uint64_t hash = hash_.OfAddress(entry.server, entry.name_hash);
  Served* known =
      served_.Find(hash, [&](const Served& served) { return served.server == entry.server; });
  if (known != nullptr) {
    known->time = std::max(known->time, entry.last_seen);
  } else {
    served_.Insert(hash, {.server = entry.server, .time = entry.last_seen});
  }
}

bool DnsAggregation::IsForwarder(const Entry& entry, Time now) {
  uint64_t hash = hash_.OfAddress(entry.client, entry.name_hash);
  return options_.ignore_forwarders && served_.Find(hash, [&](const Served& served) {
    return served.server == entry.client && now - served.time <= kServedName;
  }) != nullptr;
}

void DnsAggregation::Flush(Time now, std::vector<AggregatedObservation>& out) {
  for (Entry& entry : entries_.Entries()) {
    if (entry.count == 0) {
      continue;
    }
    if (IsForwarder(entry, now)) {
      statistics_.ignored_forwarders += entry.count;
      continue;
    }
    AggregatedObservation& aggregated = out.emplace_back();
    Observation& observation = aggregated.observation;
    observation.collector = Collector::kDns;
    observation.first_seen = entry.first_seen;
    observation.last_seen = entry.last_seen;
    observation.count = entry.count;
    observation.client.ip = entry.client;
    observation.target = NameTarget{
        .name = std::move(entry.name), .addresses = std::move(entry.addresses), .ttl = entry.ttl};
  }
  entries_.Clear();
  ++interval_;
}

}  // namespace network_mapper::sniffer
