// The API server's discovery documents for the types of a store. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/kube_stand_in/resource_types.h"

namespace network_mapper::stand_in {

// /apis as APIGroupList.
std::string GroupList(const std::vector<ResourceType>& types);
// /api (core group) or /apis (all others) as APIGroupDiscoveryList, the aggregated form.
std::string AggregatedDiscovery(const std::vector<ResourceType>& types, bool core);
// /api/v1 or /apis/<group>/<version> as APIResourceList; empty when no type is in it.
std::string ResourceList(const std::vector<ResourceType>& types, std::string_view group,
                         std::string_view version);

// Whichever of them, and /version, is at `path`; empty when none is.
std::string DiscoveryDocument(const std::vector<ResourceType>& types, std::string_view path,
                              bool aggregated);

}  // namespace network_mapper::stand_in
