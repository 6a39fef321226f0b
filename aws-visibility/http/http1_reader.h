// Follows the messages of one direction of an HTTP/1.1 connection: heads, bodies, chunks, trailers
// (RFC 9112). Keeps a head while it comes, and nothing of bodies. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "aws-visibility/http/http1_head.h"
#include "aws-visibility/http/reading.h"

namespace network_mapper::aws {

inline constexpr size_t kLargestHead = size_t{64} * 1024;

class Http1Reader {
 public:
  class Handler {
   public:
    virtual ~Handler() = default;
    // A whole head; how its body ends, or what it is instead.
    virtual Reading OnHead(std::string text, BodyFraming& framing) = 0;
    virtual void OnBody(std::string_view bytes) = 0;
    virtual void OnMessageEnd() = 0;
  };

  // Must outlive this.
  explicit Http1Reader(Handler& handler) : handler_(handler) {}

  // Anything but kFollowed is the last word. A message of which only a part is in `bytes` goes on
  // with the next call.
  Reading Take(std::string_view bytes);
  // No more will come.
  void End();

  // Whether the next byte would begin a message.
  bool BetweenMessages() const { return state_ == State::kHead && text_.empty(); }

  // Bytes that are kept of a head, or of what else has not come whole.
  size_t Pending() const { return text_.capacity(); }

 private:
  enum class State : uint8_t {
    kHead,
    kLength,
    kChunkSize,
    kChunkData,
    kChunkEnd,
    kTrailers,
    kUntilEnd,
  };

  enum class LineState : uint8_t { kPart, kWhole, kBad, kTooLong };

  // Takes the bytes of a line, its end included, to text_.
  LineState TakeLine(std::string_view& bytes, size_t limit);
  Reading TakeText(std::string_view& bytes);
  Reading TakeHeadEnd();
  Reading TakeChunkSize();
  void TakeBody(std::string_view& bytes);
  void Finish();

  Handler& handler_;
  State state_ = State::kHead;
  // A head, a chunk's size or trailers as far as they have come.
  std::string text_;
  size_t line_size_ = 0;
  // Of a body or a chunk.
  uint64_t left_ = 0;
};

}  // namespace network_mapper::aws
