// Turns captured packets into observations: decodes, parses DNS answers, sees through the several
// sightings that one packet has on a node (veth, bridge, uplink, before and after NAT), and sums up
// per flush interval. Owned by the sniffer's loop thread; reports nothing itself. Why which
// sighting wins is in docs/decisions/0004-which-sighting-of-a-packet-counts.md.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "common/observation/observation.h"
#include "sniffer/aggregate/aggregator_statistics.h"
#include "sniffer/capture/packet_source.h"

namespace network_mapper::sniffer {

// client.pod_uid is not set: who owns the address is procfs's to say.
struct AggregatedObservation {
  Observation observation;
  // tcp_syn: some of the client's source ports (at most kMaxClientPorts), oldest first; they tell
  // which process of a host-network address it was. Empty for dns.
  std::vector<uint16_t> client_ports;
};

inline constexpr size_t kMaxClientPorts = 16;
// Distinct addresses kept of one name and client.
inline constexpr size_t kMaxAddressesPerName = 64;

struct PacketAggregatorOptions {
  bool dns = true;
  bool tcp_syn = true;
  std::vector<uint16_t> dns_ports = {53};
  // Distinct (client, name) and (client, server, port) held between two flushes; what does not fit
  // is counted as dropped.
  size_t max_dns_keys = 20000;
  size_t max_tcp_keys = 20000;
  // How many recent answers and SYNs are remembered to recognise further sightings.
  size_t max_recent_answers = 16384;
  size_t max_recent_syns = 16384;
  // Leave out answers whose client was itself seen answering DNS: a cache that forwards (CoreDNS to
  // its upstream), not a workload that wants the name.
  bool ignore_forwarders = true;
};

// Time is the packets' own, never a clock's. Not thread-safe.
class PacketAggregator {
 public:
  explicit PacketAggregator(PacketAggregatorOptions options);
  PacketAggregator(const PacketAggregator&) = delete;
  PacketAggregator& operator=(const PacketAggregator&) = delete;
  ~PacketAggregator();

  void Add(const CapturedPacket& packet);

  // What was seen since the last flush: dns first, then tcp_syn, each in order of first sighting.
  // `now` ages what is remembered; for a live source the wall clock, for a file the time of its
  // last packet.
  std::vector<AggregatedObservation> Flush(Time now);

  // Keys waiting for the next flush. A caller may flush early when it nears the limits.
  size_t PendingKeys() const;

  const AggregatorStatistics& Statistics() const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace network_mapper::sniffer
