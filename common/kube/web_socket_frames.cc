#include "common/kube/web_socket_frames.h"

#include <utility>

namespace network_mapper::kube {

namespace {

constexpr uint8_t kLast = 0x80;
constexpr uint8_t kReserved = 0x70;
constexpr uint8_t kOpcode = 0x0F;
constexpr uint8_t kMasked = 0x80;
constexpr uint8_t kLength = 0x7F;
constexpr uint8_t kContinuation = 0x0;
// In the place of a length: it follows in two or in eight bytes.
constexpr uint8_t kTwoBytes = 126;
constexpr uint8_t kEightBytes = 127;
constexpr size_t kLargestControl = 125;

bool IsControl(uint8_t opcode) {
  return (opcode & 0x8U) != 0;
}

bool IsKnown(uint8_t opcode) {
  return opcode <= 0x2 || (opcode >= 0x8 && opcode <= 0xA);
}

void AppendBigEndian(std::string& text, uint64_t number, size_t bytes) {
  for (size_t i = bytes; i-- > 0;) {
    text.push_back(static_cast<char>(number >> (8 * i)));
  }
}

uint64_t BigEndian(std::string_view bytes) {
  uint64_t number = 0;
  for (const char byte : bytes) {
    number = number << 8U | static_cast<uint8_t>(byte);
  }
  return number;
}

}  // namespace

std::string EncodeMessage(MessageKind kind, std::string_view payload, const FrameMask& mask) {
  std::string frame;
  frame.push_back(static_cast<char>(kLast | static_cast<uint8_t>(kind)));
  if (payload.size() < kTwoBytes) {
    frame.push_back(static_cast<char>(kMasked | payload.size()));
  } else if (payload.size() <= 0xFFFF) {
    frame.push_back(static_cast<char>(kMasked | kTwoBytes));
    AppendBigEndian(frame, payload.size(), 2);
  } else {
    frame.push_back(static_cast<char>(kMasked | kEightBytes));
    AppendBigEndian(frame, payload.size(), 8);
  }
  for (const uint8_t byte : mask) {
    frame.push_back(static_cast<char>(byte));
  }
  for (size_t i = 0; i < payload.size(); ++i) {
    frame.push_back(static_cast<char>(static_cast<uint8_t>(payload[i]) ^ mask[i % mask.size()]));
  }
  return frame;
}

void MessageReader::Push(std::string_view bytes) {
  bytes_.append(bytes);
}

StatusOr<std::optional<MessageReader::FrameHead>> MessageReader::ReadHead() const {
  if (bytes_.size() < 2) {
    return std::optional<FrameHead>();
  }
  const auto first = static_cast<uint8_t>(bytes_[0]);
  const auto second = static_cast<uint8_t>(bytes_[1]);
  FrameHead head;
  head.last = (first & kLast) != 0;
  head.opcode = first & kOpcode;
  head.head_size = 2;
  uint64_t length = second & kLength;
  if ((first & kReserved) != 0 || !IsKnown(head.opcode) || (second & kMasked) != 0) {
    return InvalidArgument("the server sent a frame that is no valid WebSocket");
  }
  if (IsControl(head.opcode) && (!head.last || length > kLargestControl)) {
    return InvalidArgument("the server sent a control frame that is too long or in pieces");
  }
  if (length >= kTwoBytes) {
    const size_t more = length == kTwoBytes ? 2 : 8;
    if (bytes_.size() < 2 + more) {
      return std::optional<FrameHead>();
    }
    length = BigEndian(std::string_view(bytes_).substr(2, more));
    head.head_size += more;
  }
  const size_t before = begun_ && !IsControl(head.opcode) ? begun_->payload.size() : 0;
  if (length > largest_ - before) {
    return ResourceExhausted("the server sent a message of more than {} bytes", largest_);
  }
  head.payload_size = static_cast<size_t>(length);
  return std::optional(head);
}

StatusOr<std::optional<Message>> MessageReader::Next() {
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<FrameHead> head, ReadHead());
    if (!head || bytes_.size() < head->head_size + head->payload_size) {
      return std::optional<Message>();
    }
    std::string payload = bytes_.substr(head->head_size, head->payload_size);
    bytes_.erase(0, head->head_size + head->payload_size);
    if (IsControl(head->opcode)) {
      return std::optional(Message{static_cast<MessageKind>(head->opcode), std::move(payload)});
    }
    if ((head->opcode == kContinuation) != begun_.has_value()) {
      return InvalidArgument("the server sent fragments of a message out of order");
    }
    if (!begun_) {
      begun_ = Message{static_cast<MessageKind>(head->opcode), std::move(payload)};
    } else {
      begun_->payload += payload;
    }
    if (head->last) {
      return std::exchange(begun_, std::nullopt);
    }
  }
}

}  // namespace network_mapper::kube
