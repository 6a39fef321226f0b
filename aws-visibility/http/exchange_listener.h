// Who hears of the requests and answers that readers followed.
#pragma once

#include <cstdint>
#include <string_view>

#include "aws-visibility/iam/exchange.h"
#include "aws-visibility/iam/recognizer.h"

namespace network_mapper::aws {

// Why an exchange is not told of, or not with its body.
enum class Loss : uint8_t {
  // All connections together keep too much at the moment, or those of the client.
  kNoRoomForHead,
  kNoRoomForBody,
  // Of one HTTP/2 connection.
  kTooManyStreams,
  // What there was of a body was not kept until the rest of it came.
  kStillBody,
};

// Called in the thread that reads; must not block. Views are valid during the call only.
class ExchangeListener {
 public:
  virtual ~ExchangeListener() = default;

  // Whether a request with this Host field may go on; asked before it does, and before anything
  // else is told of it.
  virtual bool MayPass(std::string_view /*host*/) { return true; }

  // How much of the bodies to keep.
  virtual BodyNeeds NeedsOf(const RequestHead& head) = 0;
  // Once for each request whose head was kept, as soon as its needs are met, at the latest when the
  // connection ends.
  virtual void OnExchange(const RequestHead& head, const Body& body, const ResponseHead& response,
                          const Body& response_body) = 0;
  virtual void OnLoss(Loss loss) = 0;
};

}  // namespace network_mapper::aws
