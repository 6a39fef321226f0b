#include "common/kube/web_socket_frames.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/common/kube/scripted_web_socket.h"
#include "tests/support/status_matchers.h"

namespace network_mapper::kube {
namespace {

using ::testing::HasSubstr;

constexpr size_t kLargest = 1000;

// The payload of the first message, or "-" when it is not there yet.
StatusOr<std::string> First(MessageReader& reader) {
  ASSIGN_OR_RETURN(const std::optional<Message> message, reader.Next());
  return message ? message->payload : "-";
}

StatusOr<std::string> First(std::string_view bytes) {
  MessageReader reader(kLargest);
  reader.Push(bytes);
  return First(reader);
}

// RFC 6455, section 5.7: a masked "Hello".
TEST(EncodeMessage, IsTheSampleOfTheStandard) {
  EXPECT_EQ(EncodeMessage(MessageKind::kText, "Hello", {0x37, 0xfa, 0x21, 0x3d}),
            std::string("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11));
}

TEST(EncodeMessage, WritesLongerLengthsInTwoAndEightBytes) {
  const FrameMask mask{};
  EXPECT_EQ(EncodeMessage(MessageKind::kBinary, std::string(125, 'x'), mask).substr(0, 2),
            "\x82\xfd");
  EXPECT_EQ(EncodeMessage(MessageKind::kBinary, std::string(256, 'x'), mask).substr(0, 4),
            std::string("\x82\xfe\x01\x00", 4));
  EXPECT_EQ(EncodeMessage(MessageKind::kBinary, std::string(65536, 'x'), mask).substr(0, 10),
            std::string("\x82\xff\x00\x00\x00\x00\x00\x01\x00\x00", 10));
}

// Also of section 5.7: "Hello" in one frame, and in two.
TEST(MessageReader, ReadsTheSamplesOfTheStandard) {
  EXPECT_EQ(*First(std::string_view("\x81\x05Hello")), "Hello");
  EXPECT_EQ(*First(std::string_view("\x01\x03Hel\x80\x02lo")), "Hello");
}

TEST(MessageReader, WaitsForEveryByte) {
  const std::string bytes = ServerFrame(0x02, std::string(200, 'a')) + ServerFrame(0x89, "ping") +
                            ServerFrame(0x80, std::string(300, 'b'));
  MessageReader reader(kLargest);
  std::string kinds;
  std::string payload;
  for (const char byte : bytes) {
    reader.Push(std::string_view(&byte, 1));
    const auto message = reader.Next();
    ASSERT_THAT(message, IsOk());
    if (message->has_value()) {
      kinds += (*message)->kind == MessageKind::kPing ? "ping " : "message ";
      payload += (*message)->payload;
    }
  }
  EXPECT_EQ(kinds, "ping message ");
  EXPECT_EQ(payload, "ping" + std::string(200, 'a') + std::string(300, 'b'));
}

TEST(MessageReader, RefusesWhatAServerMayNotSend) {
  constexpr StatusCode kInvalid = StatusCode::kInvalidArgument;
  // Masked; a reserved bit; an unknown kind; a control frame that is long or in pieces.
  EXPECT_THAT(First(std::string("\x81\x80\0\0\0\0", 6)), StatusIs(kInvalid, HasSubstr("no valid")));
  EXPECT_THAT(First(std::string_view("\xc1\x05Hello")), StatusIs(kInvalid, HasSubstr("no valid")));
  EXPECT_THAT(First(std::string_view("\x83\x05Hello")), StatusIs(kInvalid, HasSubstr("no valid")));
  EXPECT_THAT(First(std::string_view("\x89\x7e\x00\x80", 4)),
              StatusIs(kInvalid, HasSubstr("control")));
  EXPECT_THAT(First(std::string_view("\x09\x01x")), StatusIs(kInvalid, HasSubstr("control")));
  // A fragment of nothing; a message within another.
  EXPECT_THAT(First(std::string_view("\x80\x02lo")), StatusIs(kInvalid, HasSubstr("order")));
  EXPECT_THAT(First(std::string_view("\x01\x03Hel\x81\x05Hello")),
              StatusIs(kInvalid, HasSubstr("order")));
}

TEST(MessageReader, LimitsMessagesNotFramesAlone) {
  EXPECT_THAT(First(ServerFrame(0x82, std::string(kLargest, 'a'))), IsOk());
  EXPECT_THAT(First(ServerFrame(0x82, std::string(kLargest + 1, 'a'))),
              StatusIs(StatusCode::kResourceExhausted, HasSubstr("more than 1000 bytes")));
  EXPECT_THAT(First(std::string("\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 10)),
              StatusIs(StatusCode::kResourceExhausted, HasSubstr("more than 1000 bytes")));
  EXPECT_THAT(
      First(ServerFrame(0x02, std::string(600, 'a')) + ServerFrame(0x80, std::string(600, 'b'))),
      StatusIs(StatusCode::kResourceExhausted, HasSubstr("more than 1000 bytes")));
}

}  // namespace
}  // namespace network_mapper::kube
