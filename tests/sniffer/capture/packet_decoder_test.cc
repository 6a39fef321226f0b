#include "sniffer/capture/packet_decoder.h"

#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/ip.h"
#include "tests/support/packet_builder.h"
#include "tests/support/pcap_packets.h"

namespace network_mapper::sniffer {
namespace {

std::variant<DecodedPacket, DecodeFailure> Decode(LinkType link_type,
                                                  std::span<const uint8_t> bytes) {
  return DecodePacket({.time = {}, .link_type = link_type, .interface_index = 0, .bytes = bytes});
}

DecodeFailure FailureOf(LinkType link_type, std::span<const uint8_t> bytes) {
  auto decoded = Decode(link_type, bytes);
  EXPECT_TRUE(std::holds_alternative<DecodeFailure>(decoded));
  return std::get<DecodeFailure>(decoded);
}

// A SYN-ACK on the device "any" of a node, cooked v2, as recorded:
//   0800 IPv4, 0000, if_index 7, ARPHRD 1, type 4 (outgoing), length 6, address
//   45 00 003c id 0000 DF ttl 64 TCP, 10.88.1.3 > 10.88.1.2
//   8080 > 52430, seq 0x014dafdd, ack 0x3dd083be, offset 10 words, flags SYN|ACK, options: MSS
//   1460, SACK permitted, timestamps, NOP, window scale 10
const Bytes kSynAck = {
    0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x07, 0x00, 0x01, 0x04, 0x06, 0x5a, 0x3d, 0xaf, 0x22,
    0x57, 0xb6, 0x00, 0x00, 0x45, 0x00, 0x00, 0x3c, 0x00, 0x00, 0x40, 0x00, 0x40, 0x06, 0x00, 0x00,
    0x0a, 0x58, 0x01, 0x03, 0x0a, 0x58, 0x01, 0x02, 0x1f, 0x90, 0xcc, 0xce, 0x01, 0x4d, 0xaf, 0xdd,
    0x3d, 0xd0, 0x83, 0xbe, 0xa0, 0x12, 0xfe, 0x88, 0x00, 0x00, 0x00, 0x00, 0x02, 0x04, 0x05, 0xb4,
    0x04, 0x02, 0x08, 0x0a, 0xa9, 0x73, 0xf1, 0x1b, 0x55, 0xb4, 0xe3, 0x95, 0x01, 0x03, 0x03, 0x0a};

// An AAAA answer over IPv6, Ethernet: fd00:88::3 port 53 > fd00:88::2 port 58699, 63 bytes of DNS.
Bytes Ipv6AnswerFrame() {
  return ReadPcapOrDie("dns_ipv6_aaaa_ethernet.pcap").at(1).bytes;
}

TEST(PacketDecoder, ReadsCookedV2WithInterfaceAndDirection) {
  auto decoded = Decode(LinkType::kLinuxSll2, kSynAck);
  ASSERT_TRUE(std::holds_alternative<DecodedPacket>(decoded));
  const DecodedPacket& packet = std::get<DecodedPacket>(decoded);
  EXPECT_EQ(packet.source, Ip("10.88.1.3"));
  EXPECT_EQ(packet.destination, Ip("10.88.1.2"));
  EXPECT_EQ(packet.source_port, 8080);
  EXPECT_EQ(packet.destination_port, 52430);
  EXPECT_EQ(packet.protocol, Protocol::kTcp);
  EXPECT_EQ(packet.tcp_flags, kTcpSyn | kTcpAck);
  EXPECT_EQ(packet.sequence, 0x014dafddU);
  EXPECT_EQ(packet.acknowledgement, 0x3dd083beU);
  EXPECT_EQ(packet.interface_index, 7U);
  EXPECT_EQ(packet.direction, PacketDirection::kOutgoing);
  EXPECT_TRUE(packet.payload.empty());
  EXPECT_TRUE(packet.payload_complete);
}

TEST(PacketDecoder, SaysThatAFrameCutInAnyHeaderIsTruncated) {
  for (size_t size = 0; size < kSynAck.size(); ++size) {
    EXPECT_EQ(FailureOf(LinkType::kLinuxSll2, std::span(kSynAck).first(size)),
              DecodeFailure::kTruncated)
        << size;
  }
  Bytes frame = Ipv6AnswerFrame();
  for (size_t size = 0; size < frame.size() - 63; ++size) {
    EXPECT_EQ(FailureOf(LinkType::kEthernet, std::span(frame).first(size)),
              DecodeFailure::kTruncated)
        << size;
  }
  for (size_t size = frame.size() - 63; size < frame.size(); ++size) {
    auto decoded = Decode(LinkType::kEthernet, std::span(frame).first(size));
    ASSERT_TRUE(std::holds_alternative<DecodedPacket>(decoded)) << size;
    EXPECT_FALSE(std::get<DecodedPacket>(decoded).payload_complete) << size;
  }
}

TEST(PacketDecoder, SurvivesEveryByteChangedInEveryLinkType) {
  for (LinkType link_type : {LinkType::kEthernet, LinkType::kLinuxSll, LinkType::kLinuxSll2,
                             LinkType::kRawIp, LinkType::kLoopback}) {
    for (size_t position = 0; position < kSynAck.size(); ++position) {
      for (int value = 0; value < 256; ++value) {
        Bytes changed = kSynAck;
        changed[position] = static_cast<uint8_t>(value);
        auto decoded = Decode(link_type, changed);
        if (const auto* packet = std::get_if<DecodedPacket>(&decoded)) {
          EXPECT_LE(packet->payload.size(), changed.size());
        }
      }
    }
  }
}

// docs/regressions.md 1.1 dnssniffer/tcpsniffer, P22
TEST(PacketDecoder, P22ReadsIpv6) {
  Bytes frame = Ipv6AnswerFrame();
  auto decoded = Decode(LinkType::kEthernet, frame);
  ASSERT_TRUE(std::holds_alternative<DecodedPacket>(decoded));
  const DecodedPacket& packet = std::get<DecodedPacket>(decoded);
  EXPECT_EQ(packet.source, Ip("fd00:88::3"));
  EXPECT_EQ(packet.destination, Ip("fd00:88::2"));
  EXPECT_EQ(packet.protocol, Protocol::kUdp);
  EXPECT_EQ(packet.source_port, 53);
  EXPECT_EQ(packet.destination_port, 58699);
  EXPECT_EQ(packet.payload.size(), 63U);
  EXPECT_EQ(packet.direction, PacketDirection::kUnknown);
}

TEST(PacketDecoder, WalksARecordedDestinationOptionsHeader) {
  OwnedPacket syn = ReadPcapOrDie("syn_ipv6_destination_options_sll2.pcap").at(0);
  auto decoded = DecodePacket(View(syn));
  ASSERT_TRUE(std::holds_alternative<DecodedPacket>(decoded));
  const DecodedPacket& packet = std::get<DecodedPacket>(decoded);
  EXPECT_EQ(packet.destination_port, 8080);
  EXPECT_EQ(packet.tcp_flags, kTcpSyn);
  EXPECT_EQ(packet.direction, PacketDirection::kOtherHost);
}

Bytes RawIpv6(uint8_t next_header, const Bytes& rest) {
  Bytes out;
  AppendU32(out, 0x60000000);
  AppendU16(out, rest.size());
  out.push_back(next_header);
  out.push_back(64);
  Append(out, Ip("fd00::1").Bytes());
  Append(out, Ip("fd00::2").Bytes());
  Append(out, rest);
  return out;
}

const Bytes kUdpOfOneByte = {0, 53, 0x10, 0, 0, 9, 0, 0, 0xAA};

TEST(PacketDecoder, WalksEveryExtensionHeaderInARow) {
  // Hop-by-hop (8 bytes), routing (16), destination options (8), AH (12: length counts words minus
  // two), fragment (first and only), then UDP.
  Bytes rest = {43, 0, 1, 4, 0, 0, 0, 0};
  Append(rest, Bytes{60, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  Append(rest, Bytes{51, 0, 1, 4, 0, 0, 0, 0});
  Append(rest, Bytes{44, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1});
  Append(rest, Bytes{17, 0, 0, 0, 0, 0, 0, 7});
  Append(rest, kUdpOfOneByte);
  auto decoded = Decode(LinkType::kRawIp, RawIpv6(0, rest));
  ASSERT_TRUE(std::holds_alternative<DecodedPacket>(decoded));
  EXPECT_EQ(std::get<DecodedPacket>(decoded).source_port, 53);
  EXPECT_EQ(std::get<DecodedPacket>(decoded).payload.size(), 1U);
}

TEST(PacketDecoder, BoundsExtensionHeaders) {
  Bytes rest;
  for (int i = 0; i <= kMaxExtensionHeaders; ++i) {
    Append(rest, Bytes{60, 0, 1, 4, 0, 0, 0, 0});
  }
  EXPECT_EQ(FailureOf(LinkType::kRawIp, RawIpv6(60, rest)), DecodeFailure::kTooManyHeaders);
}

TEST(PacketDecoder, TakesTheFirstFragmentAndCountsLaterOnes) {
  Bytes first = {17, 0, 0, 1, 0, 0, 0, 7};
  Append(first, kUdpOfOneByte);
  auto decoded = Decode(LinkType::kRawIp, RawIpv6(44, first));
  ASSERT_TRUE(std::holds_alternative<DecodedPacket>(decoded));
  EXPECT_FALSE(std::get<DecodedPacket>(decoded).payload_complete);
  Bytes later = {17, 0, 0, 9, 0, 0, 0, 7, 1, 2, 3};
  EXPECT_EQ(FailureOf(LinkType::kRawIp, RawIpv6(44, later)), DecodeFailure::kLaterFragment);

  Bytes ipv4(kSynAck.begin() + 20, kSynAck.end());
  ipv4[6] = 0x20;
  decoded = Decode(LinkType::kRawIp, ipv4);
  ASSERT_TRUE(std::holds_alternative<DecodedPacket>(decoded));
  EXPECT_FALSE(std::get<DecodedPacket>(decoded).payload_complete);
  ipv4[7] = 1;
  EXPECT_EQ(FailureOf(LinkType::kRawIp, ipv4), DecodeFailure::kLaterFragment);
}

TEST(PacketDecoder, SkipsIpv4Options) {
  Bytes ipv4(kSynAck.begin() + 20, kSynAck.end());
  ipv4.insert(ipv4.begin() + 20, {0x94, 0x04, 0x00, 0x00});
  ipv4[0] = 0x46;
  ipv4[3] = 0x40;
  auto decoded = Decode(LinkType::kRawIp, ipv4);
  ASSERT_TRUE(std::holds_alternative<DecodedPacket>(decoded));
  EXPECT_EQ(std::get<DecodedPacket>(decoded).source_port, 8080);
}

TEST(PacketDecoder, ReadsOneAndTwoVlanTagsAsRecorded) {
  for (const char* file : {"dns_vlan_ethernet.pcap", "dns_qinq_ethernet.pcap"}) {
    auto decoded = DecodePacket(View(ReadPcapOrDie(file).at(0)));
    ASSERT_TRUE(std::holds_alternative<DecodedPacket>(decoded)) << file;
    EXPECT_EQ(std::get<DecodedPacket>(decoded).source, Ip("10.96.0.2")) << file;
    EXPECT_EQ(std::get<DecodedPacket>(decoded).source_port, 53) << file;
  }
}

TEST(PacketDecoder, BoundsVlanTags) {
  Bytes frame(12);
  for (int i = 0; i <= kMaxVlanTags; ++i) {
    Append(frame, Bytes{0x81, 0x00, 0x00, 0x64});
  }
  Append(frame, Bytes{0x08, 0x00});
  EXPECT_EQ(FailureOf(LinkType::kEthernet, frame), DecodeFailure::kTooManyHeaders);
}

TEST(PacketDecoder, ReadsCookedV1AsRecorded) {
  std::vector<OwnedPacket> packets = ReadPcapOrDie("dns_sll.pcap");
  ASSERT_EQ(packets.size(), 4U);
  auto decoded = DecodePacket(View(packets[3]));
  ASSERT_TRUE(std::holds_alternative<DecodedPacket>(decoded));
  const DecodedPacket& packet = std::get<DecodedPacket>(decoded);
  EXPECT_EQ(packet.source, Ip("10.96.0.2"));
  EXPECT_EQ(packet.direction, PacketDirection::kOutgoing);
  EXPECT_EQ(packet.interface_index, 0U);
}

TEST(PacketDecoder, ReadsRawIpAndLoopbackFraming) {
  std::span<const uint8_t> ip = std::span(kSynAck).subspan(20);
  EXPECT_TRUE(std::holds_alternative<DecodedPacket>(Decode(LinkType::kRawIp, ip)));
  Bytes loopback = {2, 0, 0, 0};
  Append(loopback, ip);
  EXPECT_TRUE(std::holds_alternative<DecodedPacket>(Decode(LinkType::kLoopback, loopback)));
}

TEST(PacketDecoder, IgnoresThePaddingOfShortFrames) {
  Sight sight{.source = "10.0.0.1", .destination = "10.0.0.2", .source_port = 53};
  Bytes frame = UdpPacket(sight, Bytes{1, 2, 3});
  frame.resize(frame.size() + 11, 0xEE);
  auto decoded = Decode(LinkType::kLinuxSll2, frame);
  ASSERT_TRUE(std::holds_alternative<DecodedPacket>(decoded));
  EXPECT_EQ(std::get<DecodedPacket>(decoded).payload.size(), 3U);
}

TEST(PacketDecoder, TellsWhatItCannotUse) {
  Bytes arp(12);
  Append(arp, Bytes{0x08, 0x06});
  EXPECT_EQ(FailureOf(LinkType::kEthernet, arp), DecodeFailure::kNotIp);
  Bytes ipv4(kSynAck.begin() + 20, kSynAck.end());
  Bytes changed = ipv4;
  changed[0] = 0x44;
  EXPECT_EQ(FailureOf(LinkType::kRawIp, changed), DecodeFailure::kBadHeader);
  changed = ipv4;
  changed[0] = 0x75;
  EXPECT_EQ(FailureOf(LinkType::kRawIp, changed), DecodeFailure::kNotIp);
  changed = ipv4;
  changed[9] = 50;
  EXPECT_EQ(FailureOf(LinkType::kRawIp, changed), DecodeFailure::kOtherTransport);
  changed = ipv4;
  changed[32] = 0x40;
  EXPECT_EQ(FailureOf(LinkType::kRawIp, changed), DecodeFailure::kBadHeader);
  Bytes short_udp = {0, 53, 0, 1, 0, 7, 0, 0};
  EXPECT_EQ(FailureOf(LinkType::kRawIp, RawIpv6(17, short_udp)), DecodeFailure::kBadHeader);
}

TEST(PacketDecoder, NamesEveryFailureOnce) {
  std::set<std::string_view> names;
  for (DecodeFailure failure : kAllDecodeFailures) {
    names.insert(DecodeFailureName(failure));
  }
  EXPECT_EQ(names.size(), kDecodeFailureCount);
  EXPECT_FALSE(names.contains("unknown"));
}

}  // namespace
}  // namespace network_mapper::sniffer
