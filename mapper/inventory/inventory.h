// Inventory: the mapper's view of the cluster (pods, services, endpoint slices, nodes, owners),
// with history. It answers questions about the past: which pod held an address at the time of an
// observation. Fed by InventoryFeed (watches) and by tests; asked by the resolver. It makes no
// network call and reads no clock: times come with the calls.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/net/cidr.h"
#include "common/net/ip_address.h"
#include "common/observation/pod_uid.h"
#include "common/time/clock.h"
#include "mapper/inventory/host_port.h"
#include "mapper/inventory/mesh_proxy.h"
#include "mapper/inventory/workload_identity.h"

namespace network_mapper {

// Why a question about an address or a name has no single answer. Also the metric label of a
// refusal.
enum class LookupFailure : uint8_t {
  kUnknown,       // nothing in the inventory, now or then
  kAmbiguous,     // more than one pod could have held it at that time
  kHostNetwork,   // the address of a node, shared by its host-network pods
  kNoBackends,    // a service without any endpoint that is a pod
  kOwnerPending,  // the pod is known but its owner could not be read yet
};

// What the resolver needs to know about a pod.
struct PodFacts {
  std::string name;
  std::string name_space;
  PodUid uid;
  bool host_network = false;
  Time created;
  // Null while it has none.
  std::shared_ptr<const std::string> node;
  Workload workload;
  // The owner could not be read yet: `workload` is only the best name so far and may change within
  // seconds. PodByIp answers kOwnerPending instead of giving such facts.
  bool owner_pending = false;
};

using PodFactsPtr = std::shared_ptr<const PodFacts>;

// A pod's mesh proxy, and where to reach it: at the pod's first address, or at that of its node.
struct MeshProxyFacts {
  PodFactsPtr pod;
  // What the mesh calls the pod's workload.
  std::string workload;
  MeshProxy proxy;
  IpAddress address;
};

struct PodAnswer {
  // Null when there is a failure.
  PodFactsPtr pod;
  LookupFailure failure = LookupFailure::kUnknown;
};

struct ServiceFacts {
  std::string name;
  std::string name_space;
  // "ClusterIP", "NodePort", "LoadBalancer", "ExternalName".
  std::string type;
  std::vector<IpAddress> cluster_ips;
  bool headless = false;
  std::string external_name;
};

using ServiceFactsPtr = std::shared_ptr<const ServiceFacts>;

// All workloads that stood behind a service at a time, each once, sorted by namespace and name.
struct ServiceBackends {
  std::vector<Workload> workloads;
  // Endpoints that are no pods: addresses of a selector-less service.
  std::vector<IpAddress> bare_addresses;
  // At least one pod's owner could not be read yet; that pod is not in `workloads`.
  bool owner_pending = false;
};

// The read side; valid only inside Inventory::Read. All times are observation times.
class InventoryView {
 public:
  virtual ~InventoryView() = default;

  // Which pod (not host-network) held `address` at `time`: by the intervals in which pods held it,
  // kept for some minutes after a pod is gone. A finished pod holds its address until it finished.
  virtual PodAnswer PodByIp(const IpAddress& address, Time time) const = 0;
  // Also finds pods that are gone but remembered. Static pods are found by the UID of the API
  // object and by their configuration hash.
  virtual PodFactsPtr PodByUid(const PodUid& uid) const = 0;
  virtual PodFactsPtr PodByName(std::string_view name_space, std::string_view name) const = 0;
  // A pod of the workload that a service mesh calls `name`: by the name of the pods' owner,
  // whatever override names them otherwise; of a pod without an owner, its own name. Newest first.
  virtual PodFactsPtr PodByOwnerName(std::string_view name_space, std::string_view name) const = 0;
  // The pod with label service.istio.io/canonical-name = `workload`, newest first.
  virtual PodFactsPtr PodByCanonicalName(std::string_view name_space,
                                         std::string_view workload) const = 0;
  // pod-hostname.service.namespace.svc: the endpoint of a headless service with that hostname, or
  // with that address in its dashed form (10-1-2-3).
  virtual PodFactsPtr PodByHostname(const ServiceFacts& service, std::string_view hostname,
                                    Time time) const = 0;

  virtual ServiceFactsPtr ServiceByName(std::string_view name_space,
                                        std::string_view name) const = 0;
  // ClusterIPs, external IPs and load-balancer ingress addresses. `port` tells apart services that
  // share an external address; where it does not, there is no answer.
  virtual ServiceFactsPtr ServiceByIp(const IpAddress& address, std::optional<uint16_t> port,
                                      Time time) const = 0;
  // A service of type NodePort or LoadBalancer that `port` on any node leads to. TCP and UDP may
  // lead to different ones.
  virtual ServiceFactsPtr ServiceByNodePort(uint16_t port, Protocol protocol) const = 0;
  virtual ServiceBackends BackendsOf(const ServiceFacts& service, Time time) const = 0;

  // Which pod (not host-network) stood behind that port of a node at `time` (hostPort), as PodByIp
  // says it of addresses.
  virtual PodAnswer PodByHostPort(const HostPort& port, Time time) const = 0;

  virtual bool IsNode(const IpAddress& address) const = 0;
  // The ClusterIP of default/kubernetes, one of its endpoints, or inside the configured
  // control-plane prefix of one. With a port (as a server) also that port must be the API server's:
  // the service's port at the ClusterIP, an endpoint's port elsewhere. A node with an API server
  // has other things to connect to as well.
  virtual bool IsControlPlane(const IpAddress& address, std::optional<uint16_t> port) const = 0;
  // The host-network pods on the node with this address that expose `port` as a container port.
  virtual std::vector<PodFactsPtr> HostNetworkPods(const IpAddress& node,
                                                   std::optional<uint16_t> port) const = 0;
};

}  // namespace network_mapper
