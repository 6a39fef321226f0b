// A large made-up cluster for measurements: realistic sizes, ready serialised.
#pragma once

#include <string_view>

#include "common/status/status.h"
#include "tests/support/kube_stand_in/object_store.h"

namespace network_mapper::stand_in {

struct ClusterSize {
  int pods = 0;
  int services = 0;
  // 0: one for every hundred pods.
  int nodes = 0;
  // 0: one for every ten services.
  int namespaces = 0;
};

// "pods=10000,services=2000".
StatusOr<ClusterSize> ParseClusterSize(std::string_view text);

// Per service one Deployment, one ReplicaSet, its share of the pods (about 7 KiB each,
// managedFields included), one Service and its EndpointSlices. Pod i has the address 10.128.0.0 + 2
// + i, service i the ClusterIP 10.96.0.0 + 10 + i.
void GenerateCluster(const ClusterSize& size, ObjectStore& store);

}  // namespace network_mapper::stand_in
