// Where the proxy puts what it saw.
#pragma once

#include "aws-visibility/iam/recognizer.h"
#include "common/net/ip_address.h"
#include "common/time/clock.h"

namespace network_mapper::aws {

struct ObservedCall {
  // Who connected: the pod's address.
  IpAddress client{};
  Time time;
  Recognition recognition;
};

// Called by the proxy's threads, at the end of an exchange; must not block.
class CallSink {
 public:
  virtual ~CallSink() = default;
  virtual void OnCall(ObservedCall call) = 0;
};

}  // namespace network_mapper::aws
