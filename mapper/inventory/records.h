// What the inventory keeps of Kubernetes objects: the decoder makes these from JSON, the inventory
// takes them in. Plain values; field names follow the Kubernetes API (core/v1, discovery.k8s.io/v1,
// meta/v1).
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/net/ip_address.h"
#include "common/observation/observation.h"
#include "common/observation/pod_uid.h"
#include "common/time/clock.h"
#include "mapper/inventory/host_port.h"
#include "mapper/inventory/mesh_proxy.h"
#include "mapper/inventory/workload_identity.h"

namespace network_mapper {

// metadata.uid of any object.
using ObjectUid = PodUid;

template <typename Value>
bool Contains(const std::vector<Value>& values, const Value& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

enum class ObjectKind : uint8_t {
  kPod,
  kService,
  kEndpointSlice,
  kNode,
  kReplicaSet,
  kDeployment,
  kStatefulSet,
  kDaemonSet,
  kJob,
  kCronJob,
};

// The entry of metadata.ownerReferences with controller: true, else the first one.
struct OwnerReference {
  GroupVersionKind kind;
  std::string name;
  // Absent when the text was no UUID: then the owner cannot be looked up.
  std::optional<ObjectUid> uid;

  friend bool operator==(const OwnerReference&, const OwnerReference&) = default;
};

enum class PodPhase : uint8_t { kPending, kRunning, kSucceeded, kFailed, kUnknown };

struct ContainerImage {
  std::string container;
  std::string image;
};

struct PodRecord {
  std::string name;
  std::string name_space;
  ObjectUid uid;
  // Annotation kubernetes.io/config.hash: static pods only.
  std::optional<ObjectUid> config_hash;
  Labels labels;
  // The value of the override that counts (annotation, deprecated annotation, label).
  std::optional<std::string> workload_override;
  std::optional<OwnerReference> owner;
  bool host_network = false;
  // An override was passed over, for its control characters.
  bool refused_override = false;
  std::string node_name;
  // Whole seconds.
  Time created;
  // When deletion was requested: deletionTimestamp less the grace period.
  std::optional<Time> terminating_since;
  PodPhase phase = PodPhase::kUnknown;
  std::vector<IpAddress> ips;
  std::vector<IpAddress> host_ips;
  // status.startTime: the kubelet took the pod in hand (its clock, whole seconds).
  std::optional<Time> started;
  // The earliest startedAt of any container that is still known (kubelet's clock, whole seconds).
  std::optional<Time> first_container_started;
  // The latest finishedAt of any container (kubelet's clock, whole seconds).
  std::optional<Time> last_container_finished;
  // A container runs or waits to be started.
  bool has_live_container = false;
  // Of init containers those that keep running (restartPolicy Always).
  std::vector<uint16_t> container_ports;
  // Where its node forwards connections to it: hostPort of containers as above, at hostIP or at
  // each of host_ips. Empty for a host-network pod, whose ports are the node's own.
  std::vector<HostPort> host_ports;
  // Only for pods whose owner is a Job.
  std::vector<ContainerImage> images;
  // Only for pods with a container of the name istio-proxy, other than an init container that ends.
  std::optional<MeshProxy> mesh_proxy;
};

struct ServicePort {
  uint16_t port = 0;
  std::optional<uint16_t> node_port;
  Protocol protocol = Protocol::kTcp;
};

struct ServiceRecord {
  std::string name;
  std::string name_space;
  ObjectUid uid;
  Time created;
  std::string type;
  std::vector<IpAddress> cluster_ips;
  // spec.externalIPs and status.loadBalancer.ingress[].ip.
  std::vector<IpAddress> external_ips;
  bool headless = false;
  bool has_selector = false;
  std::string external_name;
  std::vector<ServicePort> ports;
};

struct SliceEndpoint {
  IpAddress address;
  // targetRef of kind Pod.
  std::optional<ObjectUid> pod;
  std::string hostname;
};

struct EndpointSliceRecord {
  std::string name;
  std::string name_space;
  ObjectUid uid;
  // Label kubernetes.io/service-name; empty when the slice belongs to no service.
  std::string service_name;
  std::vector<SliceEndpoint> endpoints;
  // Of all endpoints.
  std::vector<uint16_t> ports;
};

struct NodeRecord {
  std::string name;
  // InternalIP and ExternalIP.
  std::vector<IpAddress> addresses;
};

// An object that may own pods or owners of pods; metadata only.
struct OwnerRecord {
  ObjectUid uid;
  std::optional<OwnerReference> owner;
};

}  // namespace network_mapper
