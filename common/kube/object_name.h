// What the API server takes as names (RFC 1123). Pure.
#pragma once

#include <string_view>

namespace network_mapper::kube {

// A label, at most 63 characters: a namespace's name.
bool IsLabelName(std::string_view name);
// A subdomain, at most 253: the name of a pod, a ConfigMap, a Lease.
bool IsSubdomainName(std::string_view name);

}  // namespace network_mapper::kube
