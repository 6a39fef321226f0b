// A port of a node behind which a pod is (containers[].ports[].hostPort): the node forwards what
// comes there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "common/net/ip_address.h"
#include "common/observation/observation.h"

namespace network_mapper {

struct HostPort {
  // Of the node.
  IpAddress address;
  uint16_t port = 0;
  Protocol protocol = Protocol::kTcp;

  friend bool operator==(const HostPort&, const HostPort&) = default;
};

}  // namespace network_mapper

template <>
struct std::hash<network_mapper::HostPort> {
  size_t operator()(const network_mapper::HostPort& place) const {
    const size_t port = (size_t{place.port} << 1U) | static_cast<size_t>(place.protocol);
    return std::hash<network_mapper::IpAddress>()(place.address) ^ (port * 0x9E3779B97F4A7C15ULL);
  }
};
