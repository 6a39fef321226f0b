// What the aggregator counted since it was made: plain numbers of one thread, so that the path per
// packet touches no shared memory. PacketMetrics publishes them.
#pragma once

#include <array>
#include <cstdint>

#include "sniffer/capture/packet_decoder.h"
#include "sniffer/dns/dns_message.h"
#include "sniffer/dns/dns_tcp_reassembler.h"

namespace network_mapper::sniffer {

struct AggregatorStatistics {
  uint64_t packets = 0;
  // Indexed by DecodeFailure.
  std::array<uint64_t, kDecodeFailureCount> decode_failures{};
  // Messages from a DNS port, every sighting, indexed by DnsOutcome.
  std::array<uint64_t, kDnsOutcomeCount> dns_outcomes{};
  // DNS messages over UDP that were fragmented or cut by the snapshot length.
  uint64_t dns_incomplete = 0;
  DnsTcpStatistics dns_tcp;
  // Further sightings and retransmissions of what is already counted.
  uint64_t dns_duplicates = 0;
  uint64_t syn_duplicates = 0;
  // Answers whose client turned out to be behind NAT: counted for the address behind it.
  uint64_t dns_translations = 0;
  // SYN-ACKs that belong to no SYN that is remembered, or to several alike.
  uint64_t syn_ack_unmatched = 0;
  // Loopback, unspecified, multicast or broadcast addresses at either end.
  uint64_t ignored_addresses = 0;
  // Answers to DNS caches that forward.
  uint64_t ignored_forwarders = 0;
  // Events lost because the interval already had max_dns_keys, max_tcp_keys.
  uint64_t dns_overflow = 0;
  uint64_t tcp_overflow = 0;
};

}  // namespace network_mapper::sniffer
