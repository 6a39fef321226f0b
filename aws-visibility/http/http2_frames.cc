#include "aws-visibility/http/http2_frames.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/text/give_back.h"

namespace network_mapper::aws {

namespace {

// RFC 9113 6.
constexpr uint8_t kData = 0;
constexpr uint8_t kHeaders = 1;
constexpr uint8_t kResetStream = 3;
constexpr uint8_t kSettings = 4;
constexpr uint8_t kPushPromise = 5;
constexpr uint8_t kContinuation = 9;

constexpr uint8_t kEndStream = 0x1;
constexpr uint8_t kAcknowledgement = 0x1;
constexpr uint8_t kEndHeaders = 0x4;
constexpr uint8_t kPadded = 0x8;
constexpr uint8_t kPriority = 0x20;

constexpr size_t kLargestSettings = size_t{16} * 1024;
constexpr uint32_t kStreamMask = 0x7fffffffU;

uint32_t Number(std::string_view bytes) {
  uint32_t number = 0;
  for (const char c : bytes) {
    number = (number << 8U) | static_cast<uint8_t>(c);
  }
  return number;
}

}  // namespace

Reading Http2Frames::Take(std::string_view bytes) {
  while (!bytes.empty()) {
    if (header_size_ < kHeaderSize) {
      const size_t part = std::min(bytes.size(), kHeaderSize - header_size_);
      std::memcpy(header_.data() + header_size_, bytes.data(), part);
      header_size_ += part;
      bytes.remove_prefix(part);
      if (header_size_ < kHeaderSize) {
        break;
      }
      if (const Reading reading = Begin(); reading != Reading::kFollowed) {
        return reading;
      }
    }
    const std::string_view part = bytes.substr(0, left_);
    bytes.remove_prefix(part.size());
    left_ -= part.size();
    if (use_ == Use::kCollect) {
      payload_.append(part);
    } else if (use_ == Use::kData) {
      if (const Reading reading = TakeData(part); reading != Reading::kFollowed) {
        return reading;
      }
    }
    if (left_ == 0) {
      header_size_ = 0;
      if (const Reading reading = EndFrame(); reading != Reading::kFollowed) {
        return reading;
      }
    }
  }
  return Reading::kFollowed;
}

Reading Http2Frames::Begin() {
  const std::string_view header(header_.data(), kHeaderSize);
  length_ = Number(header.substr(0, 3));
  type_ = static_cast<uint8_t>(header[3]);
  flags_ = static_cast<uint8_t>(header[4]);
  stream_ = Number(header.substr(5)) & kStreamMask;
  left_ = length_;
  padding_ = 0;
  payload_.clear();
  use_ = Use::kSkip;
  // RFC 9113 6.10: nothing may come between the frames of a header block.
  if (continues_ != (type_ == kContinuation) || (continues_ && stream_ != block_stream_)) {
    return Reading::kAmbiguous;
  }
  return CheckKind();
}

Reading Http2Frames::CheckKind() {
  switch (type_) {
    case kData:
      use_ = Use::kData;
      return stream_ != 0 && (!Has(kPadded) || length_ > 0) ? Reading::kFollowed
                                                            : Reading::kAmbiguous;
    case kHeaders:
    case kPushPromise:
    case kContinuation:
      use_ = Use::kCollect;
      if (stream_ == 0) {
        return Reading::kAmbiguous;
      }
      return block_.size() + length_ > kLargestHeaderBlock ? Reading::kLargeHead
                                                           : Reading::kFollowed;
    case kResetStream:
      return stream_ != 0 && length_ == 4 ? Reading::kFollowed : Reading::kAmbiguous;
    case kSettings:
      use_ = Use::kCollect;
      return stream_ == 0 && length_ % 6 == 0 && length_ <= kLargestSettings &&
                     (!Has(kAcknowledgement) || length_ == 0)
                 ? Reading::kFollowed
                 : Reading::kAmbiguous;
    default:
      return Reading::kFollowed;
  }
}

Reading Http2Frames::TakeData(std::string_view bytes) {
  const size_t before = length_ - left_ - bytes.size();
  if (before == 0 && Has(kPadded) && !bytes.empty()) {
    padding_ = static_cast<uint8_t>(bytes.front());
    if (padding_ >= length_) {
      return Reading::kAmbiguous;
    }
    bytes.remove_prefix(1);
  }
  // Of what is there, and still to come, the last bytes are padding.
  const size_t rest = bytes.size() + left_;
  const std::string_view body =
      bytes.substr(0, std::min(bytes.size(), rest - std::min(rest, padding_)));
  if (!body.empty()) {
    handler_.OnData(stream_, body);
  }
  return Reading::kFollowed;
}

Reading Http2Frames::EndFrame() {
  switch (type_) {
    case kData:
      if (Has(kEndStream)) {
        handler_.OnStreamEnd(stream_);
      }
      return Reading::kFollowed;
    case kHeaders:
    case kPushPromise:
      block_ends_stream_ = type_ == kHeaders && Has(kEndStream);
      block_is_promise_ = type_ == kPushPromise;
      block_stream_ = stream_;
      return CutHeaderFrame() ? EndHeaders() : Reading::kAmbiguous;
    case kContinuation:
      block_.append(payload_);
      GiveBack(payload_);
      return EndHeaders();
    case kResetStream:
      handler_.OnReset(stream_);
      return Reading::kFollowed;
    case kSettings:
      return handler_.OnSettings(std::exchange(payload_, {}), Has(kAcknowledgement));
    default:
      return Reading::kFollowed;
  }
}

bool Http2Frames::CutHeaderFrame() {
  constexpr size_t kPriorityFields = 5;
  constexpr size_t kPromisedStream = 4;
  std::string_view fragment = payload_;
  size_t padding = 0;
  if (Has(kPadded)) {
    if (fragment.empty()) {
      return false;
    }
    padding = static_cast<uint8_t>(fragment.front());
    fragment.remove_prefix(1);
  }
  const size_t prefix = block_is_promise_ ? kPromisedStream : Has(kPriority) ? kPriorityFields : 0;
  if (fragment.size() < prefix + padding) {
    return false;
  }
  fragment.remove_prefix(prefix);
  fragment.remove_suffix(padding);
  block_.assign(fragment);
  GiveBack(payload_);
  return true;
}

Reading Http2Frames::EndHeaders() {
  continues_ = !Has(kEndHeaders);
  if (continues_) {
    return Reading::kFollowed;
  }
  return handler_.OnHeaderBlock(block_stream_, std::exchange(block_, {}), block_ends_stream_,
                                block_is_promise_);
}

}  // namespace network_mapper::aws
