// The heads of HTTP/1.1 messages (RFC 9112), read so strictly that no other reader can find other
// fields or another length in them. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "aws-visibility/http/head_text.h"
#include "aws-visibility/http/reading.h"

namespace network_mapper::aws {

// How the end of a body is known.
struct BodyFraming {
  enum class Kind : uint8_t { kNone, kLength, kChunked, kUntilEnd };

  Kind kind = Kind::kNone;
  uint64_t length = 0;
};

struct Http1Head {
  Reading reading = Reading::kFollowed;
  HeadText head;
  BodyFraming framing;
};

// `text`: lines that end in CR LF, up to and with the empty one. No other CR or LF is in it.
Http1Head ReadRequestHead(std::string text);
// `answers_head`: the request's method was HEAD. A malformed one is kUnreadable.
Http1Head ReadResponseHead(std::string text, bool answers_head);
// Whether the lines of a trailer section are fields, and none that would belong into the head.
bool AreTrailers(std::string_view text);

}  // namespace network_mapper::aws
