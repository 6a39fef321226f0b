// Names that Kubernetes' DNS answers (Kubernetes DNS-Based Service Discovery, version 1.1.0):
// what in the cluster a name means. Pure and bounded; used by the resolver.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/net/ip_address.h"

namespace network_mapper {

// A DNS name in lower case without its trailing dot. One that is longer than DNS allows is empty.
class LoweredName {
 public:
  explicit LoweredName(std::string_view name);

  // Valid as long as this object.
  std::string_view View() const { return {text_.data(), size_}; }

 private:
  std::array<char, 255> text_{};
  size_t size_ = 0;
};

// The parts are views into the name that was parsed.
struct ClusterName {
  enum class Kind : uint8_t {
    kExternal,     // outside the cluster's domain
    kUnsupported,  // inside, but neither of the following
    kService,      // [host.]service.namespace.svc.<domain>
    kPod,          // a-b-c-d.namespace.pod.<domain>
  };

  Kind kind = Kind::kExternal;
  std::string_view service;
  std::string_view name_space;
  // The single label to the left of the service: a pod's host name or its dashed address. Empty for
  // none, for several and for SRV labels (_port._protocol).
  std::string_view host;
  // kPod only.
  IpAddress address;
};

// "Cluster.Local." becomes "cluster.local".
std::string NormalizeClusterDomain(std::string_view domain);

// `domain` is normalized; `name` is lowered. The domain must begin at a label of the name.
ClusterName ParseClusterName(std::string_view name, std::string_view domain);

// "10-1-2-3" or "fd00--1": an address whose dots or colons are dashes.
std::optional<IpAddress> ParseDashedAddress(std::string_view label);

}  // namespace network_mapper
