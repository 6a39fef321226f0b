#include <algorithm>
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

constexpr uint32_t kUplink = 1;
constexpr uint32_t kBridge = 2;
constexpr uint32_t kPodVeth = 3;

const NameTarget& NameOf(const AggregatedObservation& aggregated) {
  return std::get<NameTarget>(aggregated.observation.target);
}

class DnsAggregation : public ::testing::Test {
 protected:
  void Replay(std::string_view file) {
    for (const OwnedPacket& packet : ReadPcapOrDie(file)) {
      aggregator_.Add(View(packet));
      now_ = packet.time;
    }
  }

  void See(const Sight& sight, const DnsResponse& response) {
    Bytes frame = UdpPacket(sight, response.Message());
    aggregator_.Add({.time = now_, .link_type = LinkType::kLinuxSll2, .bytes = frame});
  }

  // An answer as the client's veth shows it.
  void Answer(std::string_view client, std::string_view name, std::string_view address,
              uint16_t id = 1) {
    See({.source = "10.96.0.2",
         .destination = client,
         .source_port = 53,
         .destination_port = 40000,
         .interface_index = kPodVeth,
         .direction = PacketDirection::kOutgoing},
        DnsResponse(name, id).Address(name, address));
  }

  std::vector<AggregatedObservation> Flush() { return aggregator_.Flush(now_); }

  uint64_t Outcomes(DnsOutcome outcome) const {
    return aggregator_.Statistics().dns_outcomes[static_cast<size_t>(outcome)];
  }

  Time now_{std::chrono::seconds(1000)};
  PacketAggregator aggregator_{{.max_dns_keys = 100}};
};

// docs/regressions.md 1.1 DNS path, P21: CNAMEs were followed one level only.
TEST_F(DnsAggregation, P21FollowsWholeCnameChain) {
  Replay("dns_cname_chain_sll2.pcap");
  std::vector<AggregatedObservation> seen = Flush();
  ASSERT_THAT(seen, SizeIs(1));
  const Observation& observation = seen[0].observation;
  EXPECT_EQ(observation.collector, Collector::kDns);
  EXPECT_EQ(observation.client.ip, Ip("10.88.1.2"));
  EXPECT_EQ(NameOf(seen[0]).name, "www.shop.example");
  EXPECT_THAT(NameOf(seen[0]).addresses, ElementsAre(Ip("10.1.2.3"), Ip("10.1.2.4")));
  EXPECT_EQ(NameOf(seen[0]).ttl, std::chrono::seconds(30));
  EXPECT_THAT(seen[0].client_ports, IsEmpty());
}

// docs/regressions.md P25
TEST_F(DnsAggregation, P25CountsAnAnswerSeenAtTwoInterfacesOnce) {
  // The server's veth shows the server's own address, the client's veth the service's.
  Replay("dns_cname_chain_sll2.pcap");
  std::vector<AggregatedObservation> seen = Flush();
  ASSERT_THAT(seen, SizeIs(1));
  EXPECT_EQ(seen[0].observation.count, 1U);
  EXPECT_EQ(aggregator_.Statistics().dns_duplicates, 1U);
}

// docs/regressions.md 1.1 dnssniffer/tcpsniffer, P21: DNS over TCP was not seen.
TEST_F(DnsAggregation, P21ReadsDnsOverTcpThatComesInSegments) {
  Replay("dns_tcp_segments_sll2.pcap");
  std::vector<AggregatedObservation> seen = Flush();
  // Its SYN is an observation too, seen at two interfaces.
  ASSERT_THAT(seen, SizeIs(3));
  EXPECT_EQ(NameOf(seen[0]).name, "big.shop.example");
  EXPECT_THAT(NameOf(seen[0]).addresses, SizeIs(30));
  EXPECT_EQ(seen[0].observation.count, 1U);
  EXPECT_EQ(NameOf(seen[1]).name, "www.shop.example");
  EXPECT_EQ(seen[1].observation.client.ip, Ip("10.88.1.2"));
  EXPECT_EQ(seen[2].observation.collector, Collector::kTcpSyn);
  EXPECT_EQ(seen[2].observation.count, 1U);
  // Two messages, each whole at the server's veth and at the client's, which are one flow here:
  // the second sighting of each segment is a retransmission.
  EXPECT_EQ(aggregator_.Statistics().dns_tcp.messages, 2U);
  EXPECT_GT(aggregator_.Statistics().dns_tcp.retransmitted_segments, 5U);
}

TEST_F(DnsAggregation, GivesAMasqueradedAnswerToThePodBehindTheNode) {
  // Recorded: eth0 In for the node's address and another port, then bridge Out, then veth Out, both
  // for the pod.
  Replay("dns_masqueraded_sll2.pcap");
  std::vector<AggregatedObservation> seen = Flush();
  ASSERT_THAT(seen, SizeIs(1));
  EXPECT_EQ(seen[0].observation.client.ip, Ip("10.88.1.2"));
  EXPECT_EQ(seen[0].observation.count, 1U);
  EXPECT_EQ(NameOf(seen[0]).name, "cart.shop.svc.cluster.local");
  EXPECT_EQ(aggregator_.Statistics().dns_translations, 1U);
  EXPECT_EQ(aggregator_.Statistics().dns_duplicates, 1U);
}

TEST_F(DnsAggregation, ReadsEveryRecordedFraming) {
  for (const char* file :
       {"dns_sll.pcap", "dns_ethernet.pcap", "dns_vlan_ethernet.pcap", "dns_qinq_ethernet.pcap"}) {
    PacketAggregator aggregator({});
    for (const OwnedPacket& packet : ReadPcapOrDie(file)) {
      aggregator.Add(View(packet));
    }
    std::vector<AggregatedObservation> seen = aggregator.Flush(now_);
    ASSERT_THAT(seen, SizeIs(1)) << file;
    EXPECT_EQ(seen[0].observation.client.ip, Ip("10.88.1.2")) << file;
    EXPECT_EQ(NameOf(seen[0]).name, "cart.shop.svc.cluster.local") << file;
    EXPECT_THAT(NameOf(seen[0]).addresses, ElementsAre(Ip("10.96.0.10"))) << file;
  }
}

// docs/regressions.md 1.1 dnssniffer/tcpsniffer, P22: only IPv4 was accepted.
TEST_F(DnsAggregation, P22ReadsAnswersOverIpv6) {
  Replay("dns_ipv6_aaaa_ethernet.pcap");
  std::vector<AggregatedObservation> seen = Flush();
  ASSERT_THAT(seen, SizeIs(1));
  EXPECT_EQ(seen[0].observation.client.ip, Ip("fd00:88::2"));
  EXPECT_THAT(NameOf(seen[0]).addresses, ElementsAre(Ip("fd00:1::3")));
}

TEST_F(DnsAggregation, CountsWhatIsNoAnswerByReason) {
  Replay("dns_refused_ethernet.pcap");
  EXPECT_THAT(Flush(), IsEmpty());
  EXPECT_EQ(Outcomes(DnsOutcome::kOtherRcode), 1U);
}

TEST_F(DnsAggregation, SumsUpAnswersOfOneClientAndName) {
  Time begin = now_;
  Answer("10.0.0.1", "a.example", "10.1.0.1", 1);
  now_ += std::chrono::seconds(2);
  Answer("10.0.0.1", "A.example", "10.1.0.2", 2);
  Answer("10.0.0.2", "a.example", "10.1.0.1", 3);
  std::vector<AggregatedObservation> seen = Flush();
  ASSERT_THAT(seen, SizeIs(2));
  EXPECT_EQ(seen[0].observation.client.ip, Ip("10.0.0.1"));
  EXPECT_EQ(seen[0].observation.count, 2U);
  EXPECT_EQ(seen[0].observation.first_seen, begin);
  EXPECT_EQ(seen[0].observation.last_seen, now_);
  EXPECT_THAT(NameOf(seen[0]).addresses, ElementsAre(Ip("10.1.0.1"), Ip("10.1.0.2")));
  EXPECT_EQ(seen[1].observation.client.ip, Ip("10.0.0.2"));
}

TEST_F(DnsAggregation, StartsAnewAfterEachFlush) {
  Answer("10.0.0.1", "a.example", "10.1.0.1", 1);
  EXPECT_EQ(aggregator_.PendingKeys(), 1U);
  EXPECT_THAT(Flush(), SizeIs(1));
  EXPECT_EQ(aggregator_.PendingKeys(), 0U);
  EXPECT_THAT(Flush(), IsEmpty());
  Answer("10.0.0.1", "a.example", "10.1.0.9", 2);
  std::vector<AggregatedObservation> seen = Flush();
  ASSERT_THAT(seen, SizeIs(1));
  EXPECT_THAT(NameOf(seen[0]).addresses, ElementsAre(Ip("10.1.0.9")));
}

TEST_F(DnsAggregation, CountsASecondAnswerWithTheSameIdAfterAWhile) {
  Answer("10.0.0.1", "a.example", "10.1.0.1", 7);
  Answer("10.0.0.1", "a.example", "10.1.0.1", 7);
  now_ += std::chrono::seconds(5);
  Answer("10.0.0.1", "a.example", "10.1.0.1", 7);
  std::vector<AggregatedObservation> seen = Flush();
  ASSERT_THAT(seen, SizeIs(1));
  EXPECT_EQ(seen[0].observation.count, 2U);
}

TEST_F(DnsAggregation, KeepsClientsApartThatUseTheSameIdForTheSameName) {
  auto seen_by_server_and_client = [&](std::string_view client) {
    Sight sight{.source = "10.0.0.53",
                .destination = client,
                .source_port = 53,
                .destination_port = 40000,
                .interface_index = kBridge,
                .direction = PacketDirection::kIncoming};
    DnsResponse response("a.example", 7);
    response.Address("a.example", "10.1.0.1");
    See(sight, response);
    sight.interface_index = kPodVeth;
    sight.direction = PacketDirection::kOutgoing;
    See(sight, response);
  };
  seen_by_server_and_client("10.0.0.1");
  seen_by_server_and_client("10.0.0.2");
  std::vector<AggregatedObservation> seen = Flush();
  ASSERT_THAT(seen, SizeIs(2));
  EXPECT_EQ(seen[0].observation.count, 1U);
  EXPECT_EQ(seen[1].observation.count, 1U);
  EXPECT_EQ(aggregator_.Statistics().dns_translations, 0U);
}

TEST_F(DnsAggregation, LeavesOutWhatACacheAsksOnBehalfOfAPod) {
  // CoreDNS (10.0.0.53) gets the answer of its upstream and passes it on with the client's id.
  DnsResponse upstream("www.example.org", 99);
  upstream.Address("www.example.org", "93.184.216.34");
  See({.source = "8.8.8.8",
       .destination = "10.0.0.53",
       .source_port = 53,
       .destination_port = 50000,
       .interface_index = kUplink},
      upstream);
  now_ += std::chrono::milliseconds(30);
  DnsResponse passed_on("www.example.org", 5);
  passed_on.Address("www.example.org", "93.184.216.34");
  See({.source = "10.0.0.53",
       .destination = "10.0.0.1",
       .source_port = 53,
       .destination_port = 40000,
       .interface_index = kBridge},
      passed_on);
  std::vector<AggregatedObservation> seen = Flush();
  ASSERT_THAT(seen, SizeIs(1));
  EXPECT_EQ(seen[0].observation.client.ip, Ip("10.0.0.1"));
  EXPECT_EQ(aggregator_.Statistics().ignored_forwarders, 1U);
  // A name that it has given to nobody is its own affair.
  Answer("10.0.0.53", "api.example.org", "93.184.216.35");
  EXPECT_THAT(Flush(), SizeIs(1));
}

TEST_F(DnsAggregation, IgnoresLoopbackAndMulticast) {
  Answer("127.0.0.1", "a.example", "10.1.0.1");
  Answer("224.0.0.251", "a.example", "10.1.0.1");
  EXPECT_THAT(Flush(), IsEmpty());
  EXPECT_EQ(aggregator_.Statistics().ignored_addresses, 2U);
}

// docs/regressions.md P8
TEST_F(DnsAggregation, CountsWhatExceedsTheKeysOfAnInterval) {
  for (uint16_t i = 0; i < 150; ++i) {
    Answer("10.0.0.1", fmt::format("n{}.example", i), "10.1.0.1", i);
  }
  EXPECT_THAT(Flush(), SizeIs(100));
  EXPECT_EQ(aggregator_.Statistics().dns_overflow, 50U);
  Answer("10.0.0.1", "again.example", "10.1.0.1");
  EXPECT_THAT(Flush(), SizeIs(1));
}

TEST_F(DnsAggregation, BoundsTheAddressesOfAName) {
  for (uint16_t i = 0; i < 200; ++i) {
    Answer("10.0.0.1", "a.example", fmt::format("10.1.0.{}", i), i);
  }
  std::vector<AggregatedObservation> seen = Flush();
  ASSERT_THAT(seen, SizeIs(1));
  EXPECT_THAT(NameOf(seen[0]).addresses, SizeIs(kMaxAddressesPerName));
  EXPECT_EQ(seen[0].observation.count, 200U);
}

TEST_F(DnsAggregation, TellsACutAnswerFromAMalformedOne) {
  Bytes message = DnsResponse("a.example").Address("a.example", "10.1.0.1").Message();
  Sight sight{.source = "10.96.0.2", .destination = "10.0.0.1", .source_port = 53};
  Bytes whole = UdpPacket(sight, message);
  aggregator_.Add({.time = now_,
                   .link_type = LinkType::kLinuxSll2,
                   .bytes = std::span(whole).first(whole.size() - 3)});
  EXPECT_EQ(aggregator_.Statistics().dns_incomplete, 1U);
  message.resize(message.size() - 3);
  Bytes malformed = UdpPacket(sight, message);
  aggregator_.Add({.time = now_, .link_type = LinkType::kLinuxSll2, .bytes = malformed});
  EXPECT_EQ(Outcomes(DnsOutcome::kMalformed), 1U);
  EXPECT_THAT(Flush(), IsEmpty());
}

TEST_F(DnsAggregation, DoesNothingWhenSwitchedOff) {
  PacketAggregator off({.dns = false});
  for (const OwnedPacket& packet : ReadPcapOrDie("dns_cname_chain_sll2.pcap")) {
    off.Add(View(packet));
  }
  EXPECT_THAT(off.Flush(now_), IsEmpty());
}

}  // namespace
}  // namespace network_mapper::sniffer
