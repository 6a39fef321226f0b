// Follows the frames of one direction of an HTTP/2 connection (RFC 9113 4, 6): puts header blocks
// together, and takes padding off. Keeps nothing of bodies. One thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "aws-visibility/http/reading.h"

namespace network_mapper::aws {

// Compressed, over a HEADERS frame and its CONTINUATION frames.
inline constexpr size_t kLargestHeaderBlock = size_t{64} * 1024;

class Http2Frames {
 public:
  class Handler {
   public:
    virtual ~Handler() = default;
    // PUSH_PROMISE comes as one, too, with `promise`: it must be decoded like all of them.
    virtual Reading OnHeaderBlock(uint32_t stream, std::string_view block, bool ends_stream,
                                  bool promise) = 0;
    virtual void OnData(uint32_t stream, std::string_view bytes) = 0;
    virtual void OnStreamEnd(uint32_t stream) = 0;
    virtual void OnReset(uint32_t stream) = 0;
    virtual Reading OnSettings(std::string_view payload, bool acknowledgement) = 0;
  };

  // Must outlive this.
  explicit Http2Frames(Handler& handler) : handler_(handler) {}

  // From the first frame on. Malformed frames are kAmbiguous, a large header block is kLargeHead.
  Reading Take(std::string_view bytes);

  bool BetweenFrames() const { return header_size_ == 0 && !continues_; }

  // Bytes that are kept of a header block, or of what else has not come whole.
  size_t Pending() const { return payload_.capacity() + block_.capacity(); }

 private:
  static constexpr size_t kHeaderSize = 9;

  enum class Use : uint8_t { kSkip, kData, kCollect };

  Reading Begin();
  Reading CheckKind();
  Reading TakeData(std::string_view bytes);
  Reading EndFrame();
  Reading EndHeaders();
  // Cuts padding and what else is around a header block; false: it does not fit.
  bool CutHeaderFrame();

  bool Has(uint8_t flag) const { return (flags_ & flag) != 0; }

  Handler& handler_;
  std::array<char, kHeaderSize> header_{};
  size_t header_size_ = 0;
  // The frame under way.
  uint8_t type_ = 0;
  uint8_t flags_ = 0;
  uint32_t stream_ = 0;
  size_t length_ = 0;
  size_t left_ = 0;
  size_t padding_ = 0;
  Use use_ = Use::kSkip;
  std::string payload_;
  // A header block that CONTINUATION frames go on with.
  bool continues_ = false;
  bool block_ends_stream_ = false;
  bool block_is_promise_ = false;
  uint32_t block_stream_ = 0;
  std::string block_;
};

}  // namespace network_mapper::aws
