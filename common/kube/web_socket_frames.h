// Frames of WebSocket (RFC 6455, section 5) as a client writes and reads them. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/status/status.h"

namespace network_mapper::kube {

enum class MessageKind : uint8_t {
  kText = 0x1,
  kBinary = 0x2,
  kClose = 0x8,
  kPing = 0x9,
  kPong = 0xA,
};

using FrameMask = std::array<uint8_t, 4>;

// A whole message as one masked frame.
std::string EncodeMessage(MessageKind kind, std::string_view payload, const FrameMask& mask);

struct Message {
  MessageKind kind = MessageKind::kBinary;
  std::string payload;
};

// Puts messages together from what a server sends, in pieces of any size. Messages of control, such
// as pings, may come between the fragments of others.
class MessageReader {
 public:
  // A longer message is an error.
  explicit MessageReader(size_t largest) : largest_(largest) {}

  void Push(std::string_view bytes);
  // Absent until more bytes have come. After an error nothing can be read any more.
  StatusOr<std::optional<Message>> Next();

 private:
  struct FrameHead {
    bool last = false;
    uint8_t opcode = 0;
    size_t head_size = 0;
    size_t payload_size = 0;
  };

  StatusOr<std::optional<FrameHead>> ReadHead() const;

  size_t largest_;
  std::string bytes_;
  // Fragments so far.
  std::optional<Message> begun_;
};

}  // namespace network_mapper::kube
