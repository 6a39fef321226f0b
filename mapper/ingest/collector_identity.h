// Who somebody is and what it may do, by the token that it shows: a collector when it opens its
// report stream, whoever asks the API to change the map.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "common/observation/observation.h"
#include "common/status/status.h"

namespace network_mapper {

enum class Role : uint8_t {
  // Reports.
  kCollector,
  // Makes the mapper forget.
  kAdmin,
};

struct CollectorIdentity {
  // As Kubernetes names it: "system:serviceaccount:<namespace>:<name>".
  std::string user;
  // The node that the collector's pod is on; empty when unknown.
  std::string node_name;
  // The only kind of observations that it may report; absent: any.
  std::optional<Collector> only = std::nullopt;
};

// Tells who holds a token: calls `done` once, from any thread, also before it returns. Errors:
// Unauthenticated for a token that is not valid, PermissionDenied for somebody who is no collector,
// Unavailable when that cannot be found out now.
using IdentifyCollector =
    std::function<void(std::string token, std::function<void(StatusOr<CollectorIdentity>)> done)>;

// Whether the holder of a token has a role; may block for some seconds. Empty: no token was shown.
// Errors as those of IdentifyCollector.
using CheckRole = std::function<Status(Role role, std::string token)>;

}  // namespace network_mapper
