// The body of an HTTP/1 answer (RFC 9112, section 6), cut out of what a connection delivers: by its
// length, in chunks, or up to the end of the connection. Bounded: it keeps at most one line of
// framing. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/http/response_head.h"
#include "common/status/status.h"

namespace network_mapper {

class ResponseBody {
 public:
  // What of the body has come; an error ends the reading with it.
  using Take = std::function<Status(std::string_view)>;

  // The head's framing. An error when it makes no sense, such as two lengths.
  static StatusOr<ResponseBody> After(const ResponseHead& head);

  // The next bytes of the connection, cut anywhere. What follows the body is passed over.
  Status Feed(std::string_view bytes, const Take& take);

  // Nothing more is to come.
  bool IsOver() const { return state_ == State::kOver; }

  // The connection has ended. An error when the body was not over.
  Status EndOfConnection();

 private:
  enum class State : uint8_t { kLength, kUntilEnd, kChunkSize, kChunk, kChunkEnd, kTrailer, kOver };

  explicit ResponseBody(State state, size_t left) : state_(state), left_(left) {}

  Status TakeLine();

  State state_;
  // Of the body, or of its chunk.
  size_t left_ = 0;
  // The begin of a line of framing.
  std::string line_;
  // Of the trailer.
  size_t lines_ = 0;
};

}  // namespace network_mapper
