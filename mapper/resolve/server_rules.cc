// What was reached for, given as a DNS name or as an address.

#include <algorithm>
#include <utility>

#include "mapper/resolve/attempt.h"

namespace network_mapper {
namespace {

SharedText ServiceName(const ServiceFactsPtr& service) {
  return {service, &service->name};
}

bool SameIdentity(const Workload& a, const Workload& b) {
  return a.identity == b.identity || *a.identity == *b.identity;
}

// A failure other than "unknown" says that there was a pod.
bool IsKnown(const PodAnswer& answer) {
  return answer.pod != nullptr || answer.failure != LookupFailure::kUnknown;
}

}  // namespace

Outcome Attempt::FindServer(const NameTarget& target) {
  found_.resolution = Resolution::kDns;
  found_.strength = Strength::kResolved;
  if (!target.addresses.empty()) {
    found_.server_address = target.addresses.front();
  }
  const LoweredName lowered(target.name);
  const ClusterName name = ParseClusterName(lowered.View(), options_.cluster_domain);
  switch (name.kind) {
    case ClusterName::Kind::kExternal:
      return Problem{Refusal::kExternalName};
    case ClusterName::Kind::kUnsupported:
      return Problem{Refusal::kUnsupportedName};
    case ClusterName::Kind::kPod:
      found_.server_address = name.address;
      return UsePod(inventory_.PodByIp(name.address, observation_.last_seen),
                    Refusal::kUnknownServer);
    case ClusterName::Kind::kService:
      return FindServerOfService(name);
  }
  return Problem{Refusal::kUnsupportedName};
}

Outcome Attempt::FindServerOfService(const ClusterName& name) {
  ServiceFactsPtr service = inventory_.ServiceByName(name.name_space, name.service);
  if (service == nullptr) {
    return Problem{Refusal::kUnknownService, true};
  }
  if (service->type == "ExternalName") {
    // One hop: chains of ExternalName services are legal but nobody should need them, and a circle
    // of them must not hang the resolver.
    const LoweredName lowered(service->external_name);
    const ClusterName alias = ParseClusterName(lowered.View(), options_.cluster_domain);
    if (alias.kind != ClusterName::Kind::kService) {
      return Problem{Refusal::kExternalName};
    }
    service = inventory_.ServiceByName(alias.name_space, alias.service);
    if (service == nullptr) {
      return Problem{Refusal::kUnknownService, true};
    }
    if (service->type == "ExternalName") {
      return Problem{Refusal::kExternalName};
    }
    return UseService(service);
  }
  if (!name.host.empty() && service->headless) {
    const PodFactsPtr pod = inventory_.PodByHostname(*service, name.host, observation_.last_seen);
    if (pod != nullptr) {
      found_.service = ServiceName(service);
      return UseServerPod(pod);
    }
  }
  return UseService(service);
}

Outcome Attempt::FindServer(const AddressTarget& target) {
  const bool is_scan = observation_.collector == Collector::kSocketScan;
  const bool connected = is_scan || target.answered > 0;
  const IpAddress& address = target.address;
  found_.resolution = is_scan ? Resolution::kSocketScanPod : Resolution::kTcp;
  found_.strength = connected ? Strength::kConnected : Strength::kAttempted;
  found_.answered = target.answered;
  found_.server_address = address;
  if (target.port.has_value()) {
    found_.port = PortSeen{*target.port, target.protocol};
  }
  if (address.IsLoopback() || address.IsLinkLocal() || address.IsMulticast() ||
      address.IsUnspecified()) {
    return Problem{Refusal::kLocalAddress};
  }
  const bool is_node = inventory_.IsNode(address);
  // Without a port a node's address says nothing about the API server.
  if ((!is_node || target.port.has_value()) && inventory_.IsControlPlane(address, target.port)) {
    return UseApiServer();
  }
  const ServiceFactsPtr service =
      inventory_.ServiceByIp(address, target.port, observation_.last_seen);
  if (service != nullptr) {
    return UseService(service);
  }
  const PodAnswer answer = inventory_.PodByIp(address, observation_.last_seen);
  if (answer.pod == nullptr && (is_node || answer.failure == LookupFailure::kHostNetwork)) {
    return FindServerOnNode(target);
  }
  // hostIP may be an address of a node that Kubernetes does not know.
  if (!IsKnown(answer) && target.port.has_value()) {
    return UsePod(PodBehind(target), Refusal::kExternalAddress);
  }
  return UsePod(answer, Refusal::kExternalAddress);
}

PodAnswer Attempt::PodBehind(const AddressTarget& target) const {
  return inventory_.PodByHostPort({target.address, *target.port, target.protocol},
                                  observation_.last_seen);
}

Outcome Attempt::FindServerOnNode(const AddressTarget& target) {
  if (!target.port.has_value()) {
    return Problem{Refusal::kHostNetworkServer};
  }
  if (const ServiceFactsPtr service = inventory_.ServiceByNodePort(*target.port, target.protocol);
      service != nullptr) {
    return UseService(service);
  }
  if (const PodAnswer forwarded = PodBehind(target); IsKnown(forwarded)) {
    return UsePod(forwarded, Refusal::kHostNetworkServer);
  }
  const std::vector<PodFactsPtr> pods = inventory_.HostNetworkPods(target.address, target.port);
  if (pods.empty()) {
    return Problem{Refusal::kHostNetworkServer};
  }
  if (pods.size() > 1) {
    return Problem{Refusal::kAmbiguousServer};
  }
  return UseServerPod(pods.front());
}

Outcome Attempt::UseService(const ServiceFactsPtr& service) {
  if (IsApiServerService(service->name_space, service->name)) {
    return UseApiServer();
  }
  found_.service = ServiceName(service);
  if (found_.resolution == Resolution::kSocketScanPod) {
    found_.resolution = Resolution::kSocketScanService;
  }
  ServiceBackends backends = inventory_.BackendsOf(*service, observation_.last_seen);
  if (backends.owner_pending && patience_ == Patience::kMayHold) {
    return Problem{Refusal::kServerOwnerPending, true};
  }
  for (Workload& workload : backends.workloads) {
    found_.servers.push_back({std::move(workload), nullptr});
  }
  // A service without a selector may lead to pods by their bare addresses.
  constexpr size_t kMostBareAddresses = 64;
  size_t looked_up = 0;
  for (const IpAddress& address : backends.bare_addresses) {
    if (++looked_up > kMostBareAddresses) {
      break;
    }
    const PodFactsPtr pod = inventory_.PodByIp(address, observation_.last_seen).pod;
    const bool is_new =
        pod != nullptr &&
        std::none_of(found_.servers.begin(), found_.servers.end(), [&pod](const End& known) {
          return SameIdentity(known.workload, pod->workload);
        });
    if (is_new) {
      found_.servers.push_back({pod->workload, nullptr});
    }
  }
  if (found_.servers.empty()) {
    return Problem{backends.owner_pending ? Refusal::kServerOwnerPending : Refusal::kNoBackends,
                   true};
  }
  return std::nullopt;
}

Outcome Attempt::UsePod(const PodAnswer& answer, Refusal unknown) {
  if (answer.pod != nullptr) {
    return UseServerPod(answer.pod);
  }
  switch (answer.failure) {
    case LookupFailure::kAmbiguous:
      return Problem{Refusal::kAmbiguousServer, true};
    case LookupFailure::kOwnerPending:
      return Problem{Refusal::kServerOwnerPending, true};
    case LookupFailure::kHostNetwork:
      return Problem{Refusal::kHostNetworkServer};
    case LookupFailure::kUnknown:
    case LookupFailure::kNoBackends:
      break;
  }
  return Problem{unknown, MayBeInCluster(*found_.server_address)};
}

Outcome Attempt::UseServerPod(const PodFactsPtr& pod) {
  if (pod->owner_pending) {
    return Problem{Refusal::kServerOwnerPending, true};
  }
  found_.servers.push_back({pod->workload, PodName(pod)});
  return std::nullopt;
}

Outcome Attempt::UseApiServer() {
  static const auto api_server_service = std::make_shared<const std::string>("kubernetes");
  found_.service = api_server_service;
  if (found_.resolution == Resolution::kSocketScanPod) {
    found_.resolution = Resolution::kSocketScanService;
  }
  found_.servers.push_back({ApiServerWorkload(), nullptr});
  return std::nullopt;
}

}  // namespace network_mapper
