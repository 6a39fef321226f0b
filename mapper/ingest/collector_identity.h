// Who a collector is, by the token that it shows when it opens its report stream.
#pragma once

#include <functional>
#include <string>

#include "common/status/status.h"

namespace network_mapper {

struct CollectorIdentity {
  // As Kubernetes names it: "system:serviceaccount:<namespace>:<name>".
  std::string user;
  // The node that the collector's pod is on; empty when unknown.
  std::string node_name;
};

// Tells who holds a token: calls `done` once, from any thread, also before it returns. Errors:
// Unauthenticated for a token that is not valid, PermissionDenied for somebody who is no collector,
// Unavailable when that cannot be found out now.
using IdentifyCollector =
    std::function<void(std::string token, std::function<void(StatusOr<CollectorIdentity>)> done)>;

}  // namespace network_mapper
