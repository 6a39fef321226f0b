// The parts of a Kubernetes API path. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace network_mapper::stand_in {

// /api/v1/namespaces/shop/pods/cart/log -> group "", version "v1", name_space "shop", plural
// "pods", name "cart", subresource "log".
struct RequestPath {
  std::string group;
  std::string version;
  std::string name_space;
  // Empty: the discovery document of the group and version.
  std::string plural;
  // Empty: the collection.
  std::string name;
  std::string subresource;
  // What follows the subresource, without its leading slash.
  std::string rest;
};

// Absent when it is no path below /api/<version> or /apis/<group>/<version>.
std::optional<RequestPath> ParseRequestPath(std::string_view path);

}  // namespace network_mapper::stand_in
