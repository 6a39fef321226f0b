#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sniffer/capture/packet_source.h"
#include "tests/support/pcap_packets.h"
#include "tests/support/status_matchers.h"

namespace network_mapper::sniffer {
namespace {

using ::testing::HasSubstr;

// Classic pcap header, little endian: magic, version 2.4, zone, accuracy, snapshot length, link
// type.
std::string FileHeader(char link_type) {
  return std::string("\xd4\xc3\xb2\xa1\x02\x00\x04\x00", 8) + std::string(8, '\0') +
         std::string("\xff\xff\x00\x00", 4) + link_type + std::string(3, '\0');
}

TEST(CaptureFile, DeliversEveryPacketOnceAndThenSaysThatItEnds) {
  auto source = OpenCaptureFile(TestDataPath("pcap/dns_cname_chain_sll2.pcap").string());
  ASSERT_THAT(source, IsOk());
  std::vector<LinkType> seen;
  PollResult last;
  while (!last.end_of_input) {
    auto result = (*source)->Poll(std::chrono::milliseconds(0), [&](const CapturedPacket& packet) {
      seen.push_back(packet.link_type);
    });
    ASSERT_THAT(result, IsOk());
    last = *result;
  }
  EXPECT_EQ(seen, std::vector<LinkType>(4, LinkType::kLinuxSll2));
  EXPECT_EQ((*source)->Statistics().at(0).received, 4U);
  auto again = (*source)->Poll(std::chrono::milliseconds(0), [](const CapturedPacket&) {});
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->end_of_input);
}

TEST(CaptureFile, KeepsTheTimeOfThePacket) {
  std::vector<OwnedPacket> packets = ReadPcapOrDie("dns_ethernet.pcap");
  // Recorded with microseconds in the year 2026.
  EXPECT_GT(packets.at(0).time, Time(std::chrono::seconds(1767225600)));
  EXPECT_LT(packets.at(1).time - packets.at(0).time, std::chrono::seconds(1));
  EXPECT_GT(packets.at(1).time, packets.at(0).time);
}

TEST(CaptureFile, NamesAMissingFile) {
  EXPECT_THAT(OpenCaptureFile("/nowhere/x.pcap"),
              StatusIs(StatusCode::kNotFound, HasSubstr("/nowhere/x.pcap")));
}

TEST(CaptureFile, RefusesWhatIsNoCapture) {
  TemporaryDirectory directory;
  std::string path = directory.WriteFile("x.pcap", "not a capture file at all, really").string();
  EXPECT_THAT(OpenCaptureFile(path), StatusIs(StatusCode::kInvalidArgument, HasSubstr(path)));
}

TEST(CaptureFile, NamesALinkTypeThatItCannotRead) {
  TemporaryDirectory directory;
  std::string path = directory.WriteFile("wifi.pcap", FileHeader(105)).string();
  EXPECT_THAT(OpenCaptureFile(path),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("IEEE802_11")));
}

TEST(CaptureFile, FailsOnAFileThatIsCutOffAfterTheLastWholePacket) {
  std::string content = ReadFileOrDie(TestDataPath("pcap/dns_ethernet.pcap"));
  TemporaryDirectory directory;
  std::string path =
      directory.WriteFile("cut.pcap", content.substr(0, content.size() - 10)).string();
  auto source = OpenCaptureFile(path);
  ASSERT_THAT(source, IsOk());
  size_t packets = 0;
  auto count = [&](const CapturedPacket&) { ++packets; };
  EXPECT_THAT((*source)->Poll(std::chrono::milliseconds(0), count),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("truncated")));
  EXPECT_EQ(packets, 1U);
}

TEST(CaptureFile, LetsWhatTheHandlerThrowsOut) {
  auto source = OpenCaptureFile(TestDataPath("pcap/dns_ethernet.pcap").string());
  ASSERT_THAT(source, IsOk());
  EXPECT_THROW((void)(*source)->Poll(
                   std::chrono::milliseconds(0),
                   [](const CapturedPacket&) -> void { throw std::runtime_error("handler"); }),
               std::runtime_error);
}

TEST(LiveCapture, NamesAnUnknownInterface) {
  auto source = OpenLiveCapture({.interfaces = {"nosuchif0"}, .filter = ""});
  ASSERT_FALSE(source.ok());
  // Without the privilege that is what the kernel says first.
  EXPECT_THAT(source,
              ::testing::AnyOf(StatusIs(StatusCode::kNotFound, HasSubstr("nosuchif0")),
                               StatusIs(StatusCode::kPermissionDenied, HasSubstr("CAP_NET_RAW"))));
}

}  // namespace
}  // namespace network_mapper::sniffer
