#include "sniffer/dns/dns_tcp_reassembler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/packet_builder.h"

namespace network_mapper::sniffer {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const DnsTcpFlow kFlow = {.server = IpAddress::Parse("10.0.0.53").value(),
                          .client = IpAddress::Parse("10.0.0.2").value(),
                          .server_port = 53,
                          .client_port = 40000};

Bytes Framed(const Bytes& message) {
  Bytes out;
  AppendU16(out, message.size());
  Append(out, message);
  return out;
}

Bytes Message(std::string_view name) {
  return DnsResponse(name).Address(name, "10.0.0.1").Message();
}

class DnsTcpReassemblerTest : public ::testing::Test {
 protected:
  void Add(uint32_t sequence, std::span<const uint8_t> payload) {
    Add(kFlow, {.time = now_, .sequence = sequence, .payload = payload});
  }

  void Add(const DnsTcpFlow& flow, const DnsTcpSegment& segment) {
    reassembler_.Add(flow, segment, [this](std::span<const uint8_t> message) {
      messages_.emplace_back(message.begin(), message.end());
    });
  }

  Time now_{std::chrono::seconds(1000)};
  DnsTcpReassembler reassembler_{
      {.max_flows = 4, .max_buffered_bytes = 4096, .max_age = std::chrono::seconds(10)}};
  std::vector<Bytes> messages_;
};

// docs/regressions.md P21
TEST_F(DnsTcpReassemblerTest, DeliversAMessageCutAtEveryByte) {
  Bytes message = Message("a.example");
  Bytes stream = Framed(message);
  for (size_t cut = 1; cut < stream.size(); ++cut) {
    messages_.clear();
    Add(kFlow, {.time = now_, .sequence = 99, .syn = true, .payload = {}});
    Add(100, std::span(stream).first(cut));
    Add(100 + static_cast<uint32_t>(cut), std::span(stream).subspan(cut));
    EXPECT_THAT(messages_, ElementsAre(message)) << cut;
  }
  EXPECT_EQ(reassembler_.BufferedBytes(), 0U);
}

TEST_F(DnsTcpReassemblerTest, DeliversSeveralMessagesOfOneSegmentAndKeepsTheRest) {
  Bytes first = Message("a.example");
  Bytes second = Message("b.example");
  Bytes stream = Framed(first);
  Append(stream, Framed(second));
  Append(stream, Framed(first));
  size_t cut = stream.size() - 5;
  Add(100, std::span(stream).first(cut));
  EXPECT_THAT(messages_, ElementsAre(first, second));
  Add(100 + static_cast<uint32_t>(cut), std::span(stream).subspan(cut));
  EXPECT_THAT(messages_, ElementsAre(first, second, first));
}

TEST_F(DnsTcpReassemblerTest, CarriesOnOverTheEndOfTheSequenceSpace) {
  Bytes message = Message("a.example");
  Bytes stream = Framed(message);
  Add(0xFFFFFFF8U, std::span(stream).first(20));
  Add(12, std::span(stream).subspan(20));
  EXPECT_THAT(messages_, ElementsAre(message));
}

TEST_F(DnsTcpReassemblerTest, TrimsRetransmissions) {
  Bytes message = Message("a.example");
  Bytes stream = Framed(message);
  Add(100, std::span(stream).first(20));
  Add(100, std::span(stream).first(20));
  Add(110, std::span(stream).subspan(10));
  Add(110, std::span(stream).subspan(10));
  EXPECT_THAT(messages_, ElementsAre(message));
  EXPECT_EQ(reassembler_.Statistics().retransmitted_segments, 3U);
}

TEST_F(DnsTcpReassemblerTest, GivesUpAtAGapAndStartsAgainAtTheNextMessage) {
  Bytes message = Message("a.example");
  Bytes stream = Framed(message);
  Add(100, std::span(stream).first(20));
  Add(130, std::span(stream).subspan(30));
  EXPECT_THAT(messages_, IsEmpty());
  EXPECT_EQ(reassembler_.Statistics().given_up_gap, 1U);
  EXPECT_EQ(reassembler_.Statistics().unsynchronised_segments, 1U);
  Add(100 + static_cast<uint32_t>(stream.size()), stream);
  EXPECT_THAT(messages_, ElementsAre(message));
}

TEST_F(DnsTcpReassemblerTest, DoesNotTakeTheMiddleOfAMessageForItsStart) {
  Bytes stream = Framed(Message("a.example"));
  Add(130, std::span(stream).subspan(30));
  EXPECT_EQ(reassembler_.FlowCount(), 0U);
  EXPECT_EQ(reassembler_.Statistics().unsynchronised_segments, 1U);
}

TEST_F(DnsTcpReassemblerTest, GivesUpWhenASegmentWasNotCapturedWhole) {
  Bytes stream = Framed(Message("a.example"));
  Add(kFlow,
      {.time = now_, .sequence = 100, .complete = false, .payload = std::span(stream).first(20)});
  Add(120, std::span(stream).subspan(20));
  EXPECT_THAT(messages_, IsEmpty());
  EXPECT_EQ(reassembler_.Statistics().given_up_gap, 1U);
}

TEST_F(DnsTcpReassemblerTest, ForgetsAFlowThatCloses) {
  Bytes stream = Framed(Message("a.example"));
  Add(kFlow, {.time = now_, .sequence = 100, .last = true, .payload = stream});
  EXPECT_EQ(messages_.size(), 1U);
  EXPECT_EQ(reassembler_.FlowCount(), 0U);
  Add(100, std::span(stream).first(20));
  Add(kFlow, {.time = now_, .sequence = 120, .last = true, .payload = {}});
  EXPECT_EQ(reassembler_.Statistics().given_up_closed, 1U);
  EXPECT_EQ(reassembler_.BufferedBytes(), 0U);
}

TEST_F(DnsTcpReassemblerTest, ForgetsSilentFlows) {
  Bytes stream = Framed(Message("a.example"));
  Add(100, std::span(stream).first(20));
  reassembler_.Expire(now_ + std::chrono::seconds(11));
  EXPECT_EQ(reassembler_.FlowCount(), 0U);
  EXPECT_EQ(reassembler_.BufferedBytes(), 0U);
  EXPECT_EQ(reassembler_.Statistics().given_up_age, 1U);
}

TEST_F(DnsTcpReassemblerTest, BoundsFlows) {
  Bytes stream = Framed(Message("a.example"));
  DnsTcpFlow flow = kFlow;
  for (uint16_t port = 1; port <= 100; ++port) {
    flow.client_port = port;
    Add(flow, {.time = now_, .sequence = 1, .payload = std::span(stream).first(20)});
    EXPECT_LE(reassembler_.FlowCount(), 4U);
  }
  EXPECT_EQ(reassembler_.Statistics().given_up_memory, 96U);
}

TEST_F(DnsTcpReassemblerTest, BoundsBufferedBytesAndSacrificesTheOldestFlow) {
  Bytes stream = Framed(Message("a.example"));
  Bytes large = {0xFF, 0xFF, 0x12, 0x34, 0x81, 0x80};
  large.resize(3000);
  DnsTcpFlow other = kFlow;
  other.client_port = 1;
  Add(100, large);
  Add(other, {.time = now_, .sequence = 1, .payload = large});
  EXPECT_LE(reassembler_.BufferedBytes(), 4096U);
  EXPECT_EQ(reassembler_.Statistics().given_up_memory, 1U);
  // One flow alone cannot pass the bound either.
  Add(other, {.time = now_, .sequence = 3001, .payload = large});
  EXPECT_LE(reassembler_.BufferedBytes(), 4096U);
}

}  // namespace
}  // namespace network_mapper::sniffer
