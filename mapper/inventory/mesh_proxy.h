// The proxy of a service mesh (Istio) that a pod has: sidecar, gateway, waypoint or ztunnel.
#pragma once

#include <cstdint>
#include <optional>

#include "common/time/clock.h"

namespace network_mapper {

struct MeshProxy {
  // ztunnel, which speaks for other pods of its node and counts connections only.
  bool is_ztunnel = false;
  // Its container runs and is ready.
  bool is_ready = false;
  // When its present container started (kubelet's clock, whole seconds); absent while none runs.
  std::optional<Time> started;
  // Where the agent beside it serves its metrics together with the application's.
  uint16_t merged_port = 15020;
};

}  // namespace network_mapper
