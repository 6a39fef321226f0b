// Why an observation does not become an intent: a closed set, also a metric label
// (network_mapper_resolve_refused_total{reason,collector}).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace network_mapper {

enum class Refusal : uint8_t {
  kCollectorDisabled,
  kMalformed,           // the target does not belong to the collector, or misses a name
  kMissingClient,       // neither address nor pod UID
  kUnknownClient,       // no pod had the client's address or UID
  kAmbiguousClient,     // several pods could have had the client's address
  kHostNetworkClient,   // the client's address is a node's and no pod UID says which pod it was
  kHostnameMismatch,    // the reported host name is not that of the pod with the address
  kForeignNode,         // the client's pod is on another node than the collector that names it
  kClientOwnerPending,  // the client's owner could not be read in time
  kExternalName,        // a name outside the cluster's domain
  kUnsupportedName,     // inside the cluster's domain, but neither a service nor a pod
  kUnknownService,
  kNoBackends,          // no pod stood behind the service
  kExternalAddress,     // nothing in the cluster had the server's address
  kLocalAddress,        // loopback, link-local, multicast or unspecified
  kUnknownServer,       // the pod or workload that was named is not known
  kAmbiguousServer,     // several pods could have had the server's address
  kHostNetworkServer,   // a node's address, and no single pod or service that exposes the port
  kServerOwnerPending,  // the server's owner could not be read in time
  kExcludedNamespace,
};
inline constexpr std::array<Refusal, 20> kAllRefusals = {
    Refusal::kCollectorDisabled,  Refusal::kMalformed,        Refusal::kMissingClient,
    Refusal::kUnknownClient,      Refusal::kAmbiguousClient,  Refusal::kHostNetworkClient,
    Refusal::kHostnameMismatch,   Refusal::kForeignNode,      Refusal::kClientOwnerPending,
    Refusal::kExternalName,       Refusal::kUnsupportedName,  Refusal::kUnknownService,
    Refusal::kNoBackends,         Refusal::kExternalAddress,  Refusal::kLocalAddress,
    Refusal::kUnknownServer,      Refusal::kAmbiguousServer,  Refusal::kHostNetworkServer,
    Refusal::kServerOwnerPending, Refusal::kExcludedNamespace};
// "collector_disabled", "malformed", ...
std::string_view RefusalName(Refusal refusal);
// Whether an edge of the map may be missing by it. The others were not meant to be on the map:
// something outside the cluster, a host's own address, what the options exclude.
bool MayHideAnEdge(Refusal refusal);

}  // namespace network_mapper
