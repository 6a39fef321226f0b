// The cluster's DNS domain as a pod sees it: the search list of its resolv.conf holds
// "<namespace>.svc.<domain>".
#pragma once

#include <string>
#include <string_view>

namespace network_mapper {

inline constexpr std::string_view kDefaultClusterDomain = "cluster.local";

// From the text of a resolv.conf (resolv.conf(5)); kDefaultClusterDomain when it names none. Pure.
std::string FindClusterDomain(std::string_view resolv_conf);

}  // namespace network_mapper
