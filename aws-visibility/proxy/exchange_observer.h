// Who hears of the requests of pods to AWS and their answers.
#pragma once

#include "aws-visibility/iam/exchange.h"
#include "aws-visibility/iam/recognizer.h"
#include "common/net/ip_address.h"
#include "common/time/clock.h"

namespace network_mapper::aws {

struct ObservedExchange {
  // Who connected: the pod's address.
  IpAddress client{};
  Time time;
  const RequestHead& head;
  const Body& body;
  // Of status 0 when there was no answer.
  const ResponseHead& response;
  const Body& response_body;
};

// Called by the proxy's threads, several at a time; must not block. Views are valid during the call
// only.
class ExchangeObserver {
 public:
  virtual ~ExchangeObserver() = default;
  // How much of the bodies to keep.
  virtual BodyNeeds NeedsOf(const RequestHead& head) = 0;
  // As soon as the needs are met, at the latest when the exchange or the connection ends.
  virtual void OnExchange(const ObservedExchange& exchange) = 0;
};

}  // namespace network_mapper::aws
