// What a reader makes of bytes that go by.
#pragma once

#include <cstdint>

namespace network_mapper::aws {

enum class Reading : uint8_t {
  kFollowed,
  // From here on bytes are handed on unread. The first bytes are no HTTP.
  kNotHttp,
  // The connection speaks another protocol now (101).
  kUpgraded,
  // HTTP that this reader cannot follow: an answer that is malformed, that nobody asked for or
  // whose head is too large; a header table that is too large.
  kUnreadable,
  // All connections together keep too much at the moment for what is still to come of a head.
  kNoRoom,
  // The connection is to be closed before these bytes go on. What two readers could understand in
  // two ways: RFC 9112 6.3, 5.1, 5.2, 2.2, 7.1; and malformed frames.
  kAmbiguous,
  // The head of a request, or its trailers.
  kLargeHead,
  // A tunnel through the endpoint.
  kConnect,
  // More requests than may wait for their answers.
  kPipelining,
  // A request that is for somebody else than the endpoint at the other end.
  kOtherHost,
};

constexpr bool IsRefusal(Reading reading) {
  return reading >= Reading::kAmbiguous;
}

}  // namespace network_mapper::aws
