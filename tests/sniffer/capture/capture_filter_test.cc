// The filter's text means what libpcap makes of it, so it is compiled and run over frames here.
#include "sniffer/capture/capture_filter.h"

#include <stdexcept>
#include <string>

#include <gtest/gtest.h>
#include <pcap/pcap.h>

#include "tests/support/packet_builder.h"
#include "tests/support/pcap_packets.h"

namespace network_mapper::sniffer {
namespace {

class CompiledFilter {
 public:
  CompiledFilter(const CaptureFilterOptions& options, int datalink)
      : handle_(pcap_open_dead(datalink, 65535)) {
    std::string text = BuildCaptureFilter(options);
    if (pcap_compile(handle_, &program_, text.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0) {
      throw std::runtime_error(text + ": " + pcap_geterr(handle_));
    }
  }

  CompiledFilter(const CompiledFilter&) = delete;
  CompiledFilter& operator=(const CompiledFilter&) = delete;

  ~CompiledFilter() {
    pcap_freecode(&program_);
    pcap_close(handle_);
  }

  bool Matches(std::span<const uint8_t> frame) const {
    pcap_pkthdr header{};
    header.caplen = static_cast<bpf_u_int32>(frame.size());
    header.len = header.caplen;
    return pcap_offline_filter(&program_, &header, frame.data()) != 0;
  }

 private:
  pcap_t* handle_;
  bpf_program program_{};
};

const Sight kV4{
    .source = "10.0.0.1", .destination = "10.0.0.2", .source_port = 40000, .destination_port = 80};
const Sight kV6{
    .source = "fd00::1", .destination = "fd00::2", .source_port = 40000, .destination_port = 80};

Sight FromPort(Sight sight, uint16_t port) {
  sight.source_port = port;
  return sight;
}

Bytes WithFlags(const Sight& sight, uint8_t flags) {
  return TcpPacket(sight, {.sequence = 1, .acknowledgement = 2, .flags = flags});
}

class CaptureFilterTest : public ::testing::TestWithParam<Sight> {};

INSTANTIATE_TEST_SUITE_P(Families, CaptureFilterTest, ::testing::Values(kV4, kV6),
                         [](const auto& family) {
                           return family.param.source == kV4.source ? "Ipv4" : "Ipv6";
                         });

// docs/regressions.md 1.1 dnssniffer/tcpsniffer: the filter was IPv4-only and wanted the SYN bit
// alone.
TEST_P(CaptureFilterTest, PassesSynAndSynAckWhateverTheEcnBits) {
  CompiledFilter filter({}, DLT_LINUX_SLL2);
  constexpr uint8_t kEce = 0x40;
  constexpr uint8_t kCwr = 0x80;
  EXPECT_TRUE(filter.Matches(WithFlags(GetParam(), kTcpSyn)));
  EXPECT_TRUE(filter.Matches(WithFlags(GetParam(), kTcpSyn | kEce | kCwr)));
  EXPECT_TRUE(filter.Matches(WithFlags(GetParam(), kTcpSyn | kTcpAck | kEce)));
  EXPECT_FALSE(filter.Matches(WithFlags(GetParam(), kTcpAck)));
  EXPECT_FALSE(filter.Matches(WithFlags(GetParam(), kTcpFin | kTcpAck)));
}

// docs/regressions.md P21
TEST_P(CaptureFilterTest, PassesDnsFromTheServerOnly) {
  CompiledFilter filter({}, DLT_LINUX_SLL2);
  Sight query = GetParam();
  query.destination_port = 53;
  EXPECT_TRUE(filter.Matches(UdpPacket(FromPort(GetParam(), 53), Bytes(20))));
  EXPECT_FALSE(filter.Matches(UdpPacket(query, Bytes(20))));
  EXPECT_TRUE(filter.Matches(WithFlags(FromPort(GetParam(), 53), kTcpAck)));
  EXPECT_FALSE(filter.Matches(WithFlags(query, kTcpAck)));
}

// docs/regressions.md P21
TEST_P(CaptureFilterTest, KnowsOtherDnsPorts) {
  CompiledFilter filter({.tcp_syn = false, .dns_ports = {53, 5353}}, DLT_LINUX_SLL2);
  EXPECT_TRUE(filter.Matches(UdpPacket(FromPort(GetParam(), 5353), Bytes(20))));
  EXPECT_TRUE(filter.Matches(UdpPacket(FromPort(GetParam(), 53), Bytes(20))));
  EXPECT_FALSE(filter.Matches(UdpPacket(FromPort(GetParam(), 54), Bytes(20))));
  EXPECT_FALSE(filter.Matches(WithFlags(GetParam(), kTcpSyn)));
}

TEST_P(CaptureFilterTest, CanLeaveOutDnsOrEverything) {
  CompiledFilter syn_only({.dns = false}, DLT_LINUX_SLL2);
  EXPECT_FALSE(syn_only.Matches(UdpPacket(FromPort(GetParam(), 53), Bytes(20))));
  EXPECT_TRUE(syn_only.Matches(WithFlags(GetParam(), kTcpSyn)));
  CompiledFilter nothing({.dns = false, .tcp_syn = false}, DLT_LINUX_SLL2);
  EXPECT_FALSE(nothing.Matches(WithFlags(GetParam(), kTcpSyn)));
}

// docs/regressions.md P22
TEST(CaptureFilter, PassesIpv6WithExtensionHeaders) {
  CompiledFilter filter({}, DLT_LINUX_SLL2);
  for (uint8_t header : Bytes{0, 43, 44, 51, 60}) {
    EXPECT_TRUE(filter.Matches(Sll2Packet(kV6, header, Bytes(40)))) << int{header};
  }
  EXPECT_FALSE(filter.Matches(Sll2Packet(kV6, 58, Bytes(40))));
}

TEST(CaptureFilter, CompilesForEveryLinkTypeAndLooksIntoVlanTagsOnEthernet) {
  for (int datalink : {DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_RAW, DLT_EN10MB}) {
    EXPECT_NO_THROW(CompiledFilter({}, datalink)) << datalink;
  }
  CompiledFilter plain({}, DLT_EN10MB);
  CompiledFilter vlan({.vlan = true}, DLT_EN10MB);
  Bytes untagged = ReadPcapOrDie("dns_ethernet.pcap").at(1).bytes;
  Bytes query = ReadPcapOrDie("dns_ethernet.pcap").at(0).bytes;
  Bytes tagged = ReadPcapOrDie("dns_vlan_ethernet.pcap").at(0).bytes;
  Bytes twice = ReadPcapOrDie("dns_qinq_ethernet.pcap").at(0).bytes;
  EXPECT_TRUE(plain.Matches(untagged));
  EXPECT_FALSE(plain.Matches(tagged));
  EXPECT_TRUE(vlan.Matches(untagged));
  EXPECT_FALSE(vlan.Matches(query));
  EXPECT_TRUE(vlan.Matches(tagged));
  EXPECT_TRUE(vlan.Matches(twice));
}

}  // namespace
}  // namespace network_mapper::sniffer
