// Request paths of the Kubernetes API, percent-encoded.
#pragma once

#include <string>
#include <string_view>

namespace network_mapper::kube {

// RFC 3986: everything but unreserved characters becomes %XX.
std::string PercentEncode(std::string_view text);

// "/api/v1" for "v1", "/apis/apps/v1" for "apps/v1".
std::string GroupVersionPath(std::string_view api_version);

// A service or pod behind the API server's proxy.
struct ProxyTarget {
  std::string_view name_space;
  std::string_view name;
  // Number or name of the port.
  std::string_view port;
  // What follows ".../proxy", with a leading "/".
  std::string_view path;
};

// "/api/v1/namespaces/<ns>/services/<name>:<port>/proxy<path>"; RBAC: services/proxy, get or
// create.
std::string ServiceProxyPath(const ProxyTarget& target);
// The same for a pod.
std::string PodProxyPath(const ProxyTarget& target);

}  // namespace network_mapper::kube
