#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sniffer/aggregate/packet_aggregator.h"
#include "tests/support/ip.h"
#include "tests/support/packet_builder.h"
#include "tests/support/pcap_packets.h"

namespace network_mapper::sniffer {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const AddressTarget& TargetOf(const AggregatedObservation& aggregated) {
  return std::get<AddressTarget>(aggregated.observation.target);
}

class SynAggregation : public ::testing::Test {
 protected:
  void Replay(std::string_view file) {
    for (const OwnedPacket& packet : ReadPcapOrDie(file)) {
      aggregator_.Add(View(packet));
      now_ = packet.time;
    }
  }

  void Syn(const Sight& sight, uint32_t sequence) {
    Add(TcpPacket(sight, {.sequence = sequence, .acknowledgement = 0, .flags = kTcpSyn}));
  }

  // `sight` is the SYN's; the answer goes the other way.
  void SynAck(const Sight& sight, uint32_t sequence) {
    Sight back = sight;
    std::swap(back.source, back.destination);
    std::swap(back.source_port, back.destination_port);
    Add(TcpPacket(back,
                  {.sequence = 1, .acknowledgement = sequence + 1, .flags = kTcpSyn | kTcpAck}));
  }

  void Add(const Bytes& frame) {
    aggregator_.Add({.time = now_, .link_type = LinkType::kLinuxSll2, .bytes = frame});
  }

  std::vector<AggregatedObservation> Flush() { return aggregator_.Flush(now_); }

  Time now_{std::chrono::seconds(1000)};
  PacketAggregator aggregator_{{.max_tcp_keys = 100, .max_recent_syns = 64}};
  Sight sight_{.source = "10.0.0.1",
               .destination = "10.96.0.10",
               .source_port = 40000,
               .destination_port = 80,
               .interface_index = 3};
};

// docs/regressions.md P25
TEST_F(SynAggregation, P25CountsARecordedSynOnceWithTheAddressThatWasAskedFor) {
  // vetha In towards the service, vethb Out towards the pod, and the SYN-ACK back.
  Replay("syn_dnat_same_node_sll2.pcap");
  std::vector<AggregatedObservation> seen = Flush();
  ASSERT_THAT(seen, SizeIs(1));
  EXPECT_EQ(seen[0].observation.collector, Collector::kTcpSyn);
  EXPECT_EQ(seen[0].observation.client.ip, Ip("10.88.1.2"));
  EXPECT_EQ(TargetOf(seen[0]).address, Ip("10.96.0.10"));
  EXPECT_EQ(TargetOf(seen[0]).port, 80);
  EXPECT_EQ(seen[0].observation.count, 1U);
  EXPECT_EQ(TargetOf(seen[0]).answered, 1U);
  EXPECT_THAT(seen[0].client_ports, SizeIs(1));
}

// docs/regressions.md P25
TEST_F(SynAggregation, P25SeesThroughDnatAndMasqueradingWithAnotherPort) {
  // vetha In, bridge In after DNAT, eth0 Out with the node's address and another source port.
  Replay("syn_dnat_remote_sll2.pcap");
  std::vector<AggregatedObservation> seen = Flush();
  ASSERT_THAT(seen, SizeIs(1));
  EXPECT_EQ(seen[0].observation.client.ip, Ip("10.88.1.2"));
  EXPECT_EQ(TargetOf(seen[0]).address, Ip("10.96.0.11"));
  EXPECT_EQ(seen[0].observation.count, 1U);
  EXPECT_EQ(TargetOf(seen[0]).answered, 1U);
  EXPECT_EQ(aggregator_.Statistics().syn_duplicates, 2U);
}

// docs/regressions.md 1.1 tcpsniffer: a SYN alone counted as a connection.
TEST_F(SynAggregation, TellsARefusedConnectionFromAnAnsweredOne) {
  Replay("syn_refused_sll2.pcap");
  std::vector<AggregatedObservation> seen = Flush();
  ASSERT_THAT(seen, SizeIs(1));
  EXPECT_EQ(TargetOf(seen[0]).port, 9999);
  EXPECT_EQ(TargetOf(seen[0]).answered, 0U);
}

// docs/regressions.md 1.1 dnssniffer/tcpsniffer: SYNs with ECE and CWR were missed.
TEST_F(SynAggregation, SeesSynsThatAskForEcn) {
  Replay("syn_ecn_sll2.pcap");
  std::vector<AggregatedObservation> seen = Flush();
  ASSERT_THAT(seen, SizeIs(1));
  EXPECT_EQ(seen[0].observation.count, 1U);
  EXPECT_EQ(TargetOf(seen[0]).answered, 1U);
}

// docs/regressions.md 1.1 dnssniffer/tcpsniffer, P22: only IPv4 was accepted.
TEST_F(SynAggregation, P22SeesIpv6WithAndWithoutExtensionHeaders) {
  for (const char* file : {"syn_ipv6_sll2.pcap", "syn_ipv6_destination_options_sll2.pcap"}) {
    Replay(file);
    std::vector<AggregatedObservation> seen = Flush();
    ASSERT_THAT(seen, SizeIs(1)) << file;
    EXPECT_EQ(seen[0].observation.client.ip, Ip("fd00:88::2")) << file;
    EXPECT_EQ(TargetOf(seen[0]).address, Ip("fd00:88::3")) << file;
    EXPECT_EQ(seen[0].observation.count, 1U) << file;
    EXPECT_EQ(TargetOf(seen[0]).answered, 1U) << file;
  }
}

// docs/regressions.md 1.1 socketscanner
TEST_F(SynAggregation, KeepsDestinationAndSourcePortInTheirPlaces) {
  // The original's socket scan reports them swapped; here a test holds them.
  Syn(sight_, 1);
  std::vector<AggregatedObservation> seen = Flush();
  ASSERT_THAT(seen, SizeIs(1));
  EXPECT_EQ(TargetOf(seen[0]).port, 80);
  EXPECT_THAT(seen[0].client_ports, ElementsAre(40000));
}

TEST_F(SynAggregation, CountsRetransmissionsOnce) {
  for (int seconds : {0, 1, 2, 4, 8, 16, 32}) {
    now_ += std::chrono::seconds(seconds);
    Syn(sight_, 7);
  }
  EXPECT_EQ(Flush().at(0).observation.count, 1U);
  now_ += std::chrono::minutes(5);
  Syn(sight_, 7);
  EXPECT_EQ(Flush().at(0).observation.count, 1U);
}

TEST_F(SynAggregation, SumsUpConnectionsAndKeepsASampleOfPorts) {
  for (uint32_t i = 0; i < 40; ++i) {
    sight_.source_port = static_cast<uint16_t>(40000 + i);
    Syn(sight_, i);
  }
  std::vector<AggregatedObservation> seen = Flush();
  ASSERT_THAT(seen, SizeIs(1));
  EXPECT_EQ(seen[0].observation.count, 40U);
  ASSERT_THAT(seen[0].client_ports, SizeIs(kMaxClientPorts));
  EXPECT_EQ(seen[0].client_ports[0], 40000);
  EXPECT_EQ(seen[0].client_ports[15], 40015);
}

TEST_F(SynAggregation, ReportsALateAnswerWithCountZero) {
  Syn(sight_, 7);
  EXPECT_EQ(TargetOf(Flush().at(0)).answered, 0U);
  now_ += std::chrono::seconds(1);
  SynAck(sight_, 7);
  std::vector<AggregatedObservation> seen = Flush();
  ASSERT_THAT(seen, SizeIs(1));
  EXPECT_EQ(seen[0].observation.count, 0U);
  EXPECT_EQ(TargetOf(seen[0]).answered, 1U);
  EXPECT_EQ(seen[0].observation.client.ip, Ip("10.0.0.1"));
  EXPECT_EQ(TargetOf(seen[0]).address, Ip("10.96.0.10"));
  EXPECT_EQ(seen[0].observation.first_seen, now_);
}

TEST_F(SynAggregation, CountsAnAnswerSeenSeveralTimesOnce) {
  Syn(sight_, 7);
  for (uint32_t interface = 1; interface < 4; ++interface) {
    sight_.interface_index = interface;
    SynAck(sight_, 7);
  }
  EXPECT_EQ(TargetOf(Flush().at(0)).answered, 1U);
  EXPECT_EQ(aggregator_.Statistics().syn_ack_unmatched, 0U);
}

TEST_F(SynAggregation, DoesNotTakeAnotherSequenceNumberForAnAnswer) {
  Syn(sight_, 7);
  SynAck(sight_, 8);
  EXPECT_EQ(TargetOf(Flush().at(0)).answered, 0U);
  EXPECT_EQ(aggregator_.Statistics().syn_ack_unmatched, 1U);
}

TEST_F(SynAggregation, MatchesAnAnswerWhoseSequenceNumberWraps) {
  Syn(sight_, 0xFFFFFFFFU);
  SynAck(sight_, 0xFFFFFFFFU);
  EXPECT_EQ(TargetOf(Flush().at(0)).answered, 1U);
}

TEST_F(SynAggregation, CountsEachTargetOfAScanThatUsesOneSequenceNumber) {
  for (int host = 1; host <= 20; ++host) {
    std::string target = fmt::format("10.1.0.{}", host);
    sight_.destination = target;
    Syn(sight_, 7);
  }
  EXPECT_THAT(Flush(), SizeIs(20));
}

TEST_F(SynAggregation, GivesTheAnswerToTheScannedTargetThatGaveIt) {
  sight_.destination = "10.1.0.1";
  Syn(sight_, 7);
  sight_.destination = "10.1.0.2";
  Syn(sight_, 7);
  // Behind address translation it could be either.
  Sight translated = sight_;
  translated.destination = "10.2.0.9";
  SynAck(translated, 7);
  EXPECT_EQ(aggregator_.Statistics().syn_ack_unmatched, 1U);
  SynAck(sight_, 7);
  std::vector<AggregatedObservation> seen = Flush();
  ASSERT_THAT(seen, SizeIs(2));
  EXPECT_EQ(TargetOf(seen[0]).answered, 0U);
  EXPECT_EQ(TargetOf(seen[1]).answered, 1U);
}

TEST_F(SynAggregation, FallsBackToThePortWhereNoInterfaceIsKnown) {
  sight_.interface_index = 0;
  Syn(sight_, 7);
  Sight translated = sight_;
  translated.destination = "10.0.0.3";
  Syn(translated, 7);
  Sight other = sight_;
  other.source_port = 40001;
  Syn(other, 7);
  std::vector<AggregatedObservation> seen = Flush();
  ASSERT_THAT(seen, SizeIs(1));
  EXPECT_EQ(seen[0].observation.count, 2U);
}

// docs/regressions.md P8
TEST_F(SynAggregation, CountsWhatExceedsTheKeysOfAnInterval) {
  for (uint32_t i = 0; i < 150; ++i) {
    sight_.destination_port = static_cast<uint16_t>(1000 + i);
    Syn(sight_, i);
  }
  EXPECT_THAT(Flush(), SizeIs(100));
  EXPECT_EQ(aggregator_.Statistics().tcp_overflow, 50U);
}

TEST_F(SynAggregation, IgnoresLoopback) {
  sight_.destination = "127.0.0.1";
  Syn(sight_, 1);
  EXPECT_THAT(Flush(), IsEmpty());
  EXPECT_EQ(aggregator_.Statistics().ignored_addresses, 1U);
}

TEST_F(SynAggregation, FlushesTheSamePacketsInTheSameOrder) {
  auto run = [] {
    PacketAggregator aggregator({});
    for (const char* file : {"syn_dnat_remote_sll2.pcap", "dns_tcp_segments_sll2.pcap",
                             "syn_ipv6_sll2.pcap", "dns_cname_chain_sll2.pcap"}) {
      for (const OwnedPacket& packet : ReadPcapOrDie(file)) {
        aggregator.Add(View(packet));
      }
    }
    std::vector<std::string> order;
    for (const AggregatedObservation& seen : aggregator.Flush(Time{})) {
      const auto* name = std::get_if<NameTarget>(&seen.observation.target);
      order.push_back(name != nullptr ? name->name : TargetOf(seen).address.ToString());
    }
    return order;
  };
  EXPECT_THAT(run(), ElementsAre("big.shop.example", "www.shop.example", "10.96.0.11", "10.88.1.53",
                                 "fd00:88::3"));
  EXPECT_EQ(run(), run());
}

}  // namespace
}  // namespace network_mapper::sniffer
