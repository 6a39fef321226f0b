#include "mapper/inventory/object_decoder.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <utility>
#include <vector>

#include "common/text/utf8.h"
#include "common/time/time_text.h"
#include "mapper/inventory/workload_naming.h"

namespace network_mapper {

namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::string_view kDeprecatedAnnotation = "intents.otterize.com/service-name";
constexpr std::string_view kWorkloadLabel = "otterize/service-name";
constexpr std::string_view kConfigHashAnnotation = "kubernetes.io/config.hash";
constexpr std::string_view kProxyContainer = "istio-proxy";
constexpr std::string_view kServiceNameLabel = "kubernetes.io/service-name";

constexpr Time kLatestTime{std::chrono::seconds(7'258'118'400)};

// simdjson's default-constructed object must not be looked into; this one may.
object EmptyObject() {
  static simdjson::dom::parser parser;
  static const object empty_object = [] {
    element empty;
    object result;
    bool parsed = parser.parse(std::string_view("{}")).get(empty) == simdjson::SUCCESS &&
                  empty.get(result) == simdjson::SUCCESS;
    if (!parsed) {
      std::abort();
    }
    return result;
  }();
  return empty_object;
}

// Empty when the field is absent or of another type.
object ObjectAt(const object& parent, std::string_view key) {
  object result;
  return parent[key].get(result) == simdjson::SUCCESS ? result : EmptyObject();
}

template <typename Visit>
void ForEach(const object& parent, std::string_view key, Visit visit) {
  array items;
  if (parent[key].get(items) == simdjson::SUCCESS) {
    for (element item : items) {
      visit(item);
    }
  }
}

template <typename Visit>
void ForEachObject(const object& parent, std::string_view key, Visit visit) {
  ForEach(parent, key, [&](const element& item) {
    object inner;
    if (item.get(inner) == simdjson::SUCCESS) {
      visit(inner);
    }
  });
}

std::string_view TextAt(const object& parent, std::string_view key) {
  std::string_view text;
  return parent[key].get(text) == simdjson::SUCCESS ? text : std::string_view();
}

bool BoolAt(const object& parent, std::string_view key) {
  bool value = false;
  return parent[key].get(value) == simdjson::SUCCESS && value;
}

std::optional<int64_t> IntegerAt(const object& parent, std::string_view key) {
  int64_t value = 0;
  return parent[key].get(value) == simdjson::SUCCESS ? std::optional<int64_t>(value) : std::nullopt;
}

std::optional<uint16_t> PortAt(const object& parent, std::string_view key) {
  std::optional<int64_t> port = IntegerAt(parent, key);
  if (!port || *port < 1 || *port > 65535) {
    return std::nullopt;
  }
  return static_cast<uint16_t>(*port);
}

// Absent outside of 1970 to 2200: what is nobody's clock would overflow sums later.
std::optional<Time> TimeAt(const object& parent, std::string_view key) {
  std::optional<Time> time = ParseRfc3339(TextAt(parent, key));
  return time && *time >= Time() && *time < kLatestTime ? time : std::nullopt;
}

// deletionTimestamp is when the pod shall be gone: the request came one grace period earlier.
std::optional<Time> TerminatingSince(const object& metadata) {
  std::optional<Time> deletion = TimeAt(metadata, "deletionTimestamp");
  if (!deletion) {
    return std::nullopt;
  }
  std::chrono::seconds since_epoch =
      std::chrono::duration_cast<std::chrono::seconds>(deletion->time_since_epoch());
  int64_t grace = IntegerAt(metadata, "deletionGracePeriodSeconds").value_or(0);
  return *deletion - std::chrono::seconds(std::clamp<int64_t>(grace, 0, since_epoch.count()));
}

bool IsPresent(const object& parent, std::string_view key) {
  object inner;
  return parent[key].get(inner) == simdjson::SUCCESS;
}

void AddAddress(std::string_view text, std::vector<IpAddress>& addresses) {
  std::optional<IpAddress> address = IpAddress::Parse(text);
  if (address && std::find(addresses.begin(), addresses.end(), *address) == addresses.end()) {
    addresses.push_back(*address);
  }
}

// The strings of a map such as metadata.labels, sorted by key.
Labels SortedTexts(const object& map) {
  Labels texts;
  for (auto field : map) {
    std::string_view value;
    if (field.value.get(value) == simdjson::SUCCESS) {
      texts.emplace_back(field.key, value);
    }
  }
  std::sort(texts.begin(), texts.end());
  return texts;
}

GroupVersionKind KindOf(const object& reference) {
  return ParseGroupVersionKind(TextAt(reference, "apiVersion"), TextAt(reference, "kind"));
}

std::optional<OwnerReference> OwnerOf(const object& metadata) {
  std::optional<OwnerReference> first;
  std::optional<OwnerReference> controller;
  ForEachObject(metadata, "ownerReferences", [&](const object& reference) {
    OwnerReference owner{.kind = KindOf(reference),
                         .name = std::string(TextAt(reference, "name")),
                         .uid = ObjectUid::Parse(TextAt(reference, "uid"))};
    if (BoolAt(reference, "controller") && !controller) {
      controller = owner;
    }
    if (!first) {
      first = std::move(owner);
    }
  });
  return controller ? controller : first;
}

PodPhase PhaseOf(std::string_view text) {
  if (text == "Pending") {
    return PodPhase::kPending;
  }
  if (text == "Running") {
    return PodPhase::kRunning;
  }
  if (text == "Succeeded") {
    return PodPhase::kSucceeded;
  }
  return text == "Failed" ? PodPhase::kFailed : PodPhase::kUnknown;
}

void Earliest(std::optional<Time>& known, std::optional<Time> other) {
  if (other && (!known || *other < *known)) {
    known = other;
  }
}

void Latest(std::optional<Time>& known, std::optional<Time> other) {
  if (other && (!known || *other > *known)) {
    known = other;
  }
}

void ReadContainerStatus(const object& status, PodRecord& pod) {
  for (std::string_view which : {"state", "lastState"}) {
    object state = ObjectAt(status, which);
    object running = ObjectAt(state, "running");
    object terminated = ObjectAt(state, "terminated");
    Earliest(pod.first_container_started, TimeAt(running, "startedAt"));
    Earliest(pod.first_container_started, TimeAt(terminated, "startedAt"));
    Latest(pod.last_container_finished, TimeAt(terminated, "finishedAt"));
    if (which == "state" && (IsPresent(state, "running") || IsPresent(state, "waiting"))) {
      pod.has_live_container = true;
    }
  }
}

void ReadPodMetadata(const object& metadata, std::string_view workload_annotation, PodRecord& pod) {
  pod.labels = SortedTexts(ObjectAt(metadata, "labels"));
  pod.owner = OwnerOf(metadata);
  pod.created = TimeAt(metadata, "creationTimestamp").value_or(Time());
  pod.terminating_since = TerminatingSince(metadata);
  object annotations = ObjectAt(metadata, "annotations");
  pod.config_hash = ObjectUid::Parse(TextAt(annotations, kConfigHashAnnotation));
  object labels = ObjectAt(metadata, "labels");
  auto take_override = [&pod](const object& map, std::string_view key) {
    std::string_view value;
    if (pod.workload_override || map[key].get(value) != simdjson::SUCCESS) {
      return;
    }
    if (HasControlCharacter(value)) {
      pod.refused_override = true;
      return;
    }
    pod.workload_override = value;
  };
  take_override(annotations, workload_annotation);
  take_override(annotations, kDeprecatedAnnotation);
  take_override(labels, kWorkloadLabel);
}

// Containers that run as long as the pod: init containers only if they are sidecars.
template <typename Visit>
void ForEachServingContainer(const object& spec, Visit visit) {
  ForEachObject(spec, "containers", visit);
  ForEachObject(spec, "initContainers", [&](const object& container) {
    if (TextAt(container, "restartPolicy") == "Always") {
      visit(container);
    }
  });
}

void ReadPodSpec(const object& spec, PodRecord& pod) {
  pod.host_network = BoolAt(spec, "hostNetwork");
  pod.node_name = TextAt(spec, "nodeName");
  bool of_job = pod.owner && pod.owner->kind.kind == "Job";
  ForEachServingContainer(spec, [&](const object& container) {
    ForEachObject(container, "ports", [&](const object& port) {
      if (std::optional<uint16_t> number = PortAt(port, "containerPort")) {
        pod.container_ports.push_back(*number);
      }
    });
  });
  ForEachObject(spec, "containers", [&](const object& container) {
    if (of_job) {
      pod.images.push_back({.container = std::string(TextAt(container, "name")),
                            .image = std::string(TextAt(container, "image"))});
    }
  });
}

void ReadPodStatus(const object& status, PodRecord& pod) {
  pod.phase = PhaseOf(TextAt(status, "phase"));
  pod.started = TimeAt(status, "startTime");
  AddAddress(TextAt(status, "podIP"), pod.ips);
  ForEachObject(status, "podIPs",
                [&](const object& item) { AddAddress(TextAt(item, "ip"), pod.ips); });
  AddAddress(TextAt(status, "hostIP"), pod.host_ips);
  ForEachObject(status, "hostIPs",
                [&](const object& item) { AddAddress(TextAt(item, "ip"), pod.host_ips); });
  for (std::string_view list :
       {"initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"}) {
    ForEachObject(status, list,
                  [&](const object& container) { ReadContainerStatus(container, pod); });
  }
}

std::optional<uint16_t> PortInText(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool is_port = error == std::errc() && end == text.data() + text.size() && port != 0;
  return is_port ? std::optional(port) : std::nullopt;
}

// Injection writes prometheus.io/*, unless the application had its own metrics there before.
uint16_t MergedPort(const object& annotations) {
  const MeshProxy defaults;
  if (TextAt(annotations, "prometheus.io/path") == "/stats/prometheus") {
    if (auto port = PortInText(TextAt(annotations, "prometheus.io/port"))) {
      return *port;
    }
  }
  return PortInText(TextAt(annotations, "status.sidecar.istio.io/port"))
      .value_or(defaults.merged_port);
}

void ReadMeshProxy(const object& root, PodRecord& pod) {
  bool has_proxy = false;
  ForEachServingContainer(ObjectAt(root, "spec"), [&](const object& container) {
    has_proxy = has_proxy || TextAt(container, "name") == kProxyContainer;
  });
  if (!has_proxy) {
    return;
  }
  MeshProxy proxy;
  const object metadata = ObjectAt(root, "metadata");
  proxy.is_ztunnel = TextAt(ObjectAt(metadata, "labels"), "app") == "ztunnel" && pod.owner &&
                     pod.owner->kind.kind == "DaemonSet";
  proxy.merged_port = MergedPort(ObjectAt(metadata, "annotations"));
  const object status = ObjectAt(root, "status");
  for (std::string_view list : {"initContainerStatuses", "containerStatuses"}) {
    ForEachObject(status, list, [&](const object& container) {
      if (TextAt(container, "name") == kProxyContainer) {
        proxy.started = TimeAt(ObjectAt(ObjectAt(container, "state"), "running"), "startedAt");
        proxy.is_ready = proxy.started && BoolAt(container, "ready");
      }
    });
  }
  pod.mesh_proxy = proxy;
}

// Absent for what is not observed (SCTP).
std::optional<Protocol> ProtocolOf(const object& port) {
  std::string_view text = TextAt(port, "protocol");
  if (text == "UDP") {
    return Protocol::kUdp;
  }
  return text.empty() || text == "TCP" ? std::optional(Protocol::kTcp) : std::nullopt;
}

// An unspecified hostIP stands for all of the node's addresses of its family, none for all.
void AddHostPorts(std::string_view host_ip, HostPort port, PodRecord& pod) {
  std::optional<IpAddress> bound = IpAddress::Parse(host_ip);
  if (bound && !bound->IsUnspecified()) {
    port.address = *bound;
    pod.host_ports.push_back(port);
    return;
  }
  for (const IpAddress& address : pod.host_ips) {
    if (!bound || bound->IsV4() == address.IsV4()) {
      port.address = address;
      pod.host_ports.push_back(port);
    }
  }
}

// After spec and status.
void ReadHostPorts(const object& spec, PodRecord& pod) {
  if (pod.host_network) {
    return;
  }
  ForEachServingContainer(spec, [&](const object& container) {
    ForEachObject(container, "ports", [&](const object& port) {
      std::optional<uint16_t> number = PortAt(port, "hostPort");
      std::optional<Protocol> protocol = ProtocolOf(port);
      if (number && protocol) {
        AddHostPorts(TextAt(port, "hostIP"), {{}, *number, *protocol}, pod);
      }
    });
  });
}

}  // namespace

class ObjectDecoder::Implementation {
 public:
  explicit Implementation(DecoderOptions options) : options_(std::move(options)) {}

  // The object, valid until the next call.
  StatusOr<object> Parse(std::string_view json) {
    element root;
    object result;
    if (parser_.parse(json.data(), json.size()).get(root) != simdjson::SUCCESS ||
        root.get(result) != simdjson::SUCCESS) {
      return InvalidArgument("not a JSON object");
    }
    return result;
  }

  // Name, namespace and UID, without which an object is of no use.
  template <typename Record>
  Status ReadIdentity(const object& metadata, Record& record) {
    record.name = TextAt(metadata, "name");
    record.name_space = TextAt(metadata, "namespace");
    std::optional<ObjectUid> uid = ObjectUid::Parse(TextAt(metadata, "uid"));
    if (record.name.empty() || !uid) {
      return InvalidArgument("object without a name or a UID");
    }
    record.uid = *uid;
    return OkStatus();
  }

  const DecoderOptions& Options() const { return options_; }

 private:
  DecoderOptions options_;
  simdjson::dom::parser parser_;
};

ObjectDecoder::ObjectDecoder(DecoderOptions options)
    : implementation_(std::make_unique<Implementation>(std::move(options))) {}

ObjectDecoder::~ObjectDecoder() = default;

StatusOr<PodRecord> ObjectDecoder::DecodePod(std::string_view json) {
  ASSIGN_OR_RETURN(object root, implementation_->Parse(json));
  object metadata = ObjectAt(root, "metadata");
  PodRecord pod;
  RETURN_IF_ERROR(implementation_->ReadIdentity(metadata, pod));
  ReadPodMetadata(metadata, implementation_->Options().workload_annotation, pod);
  ReadPodSpec(ObjectAt(root, "spec"), pod);
  ReadPodStatus(ObjectAt(root, "status"), pod);
  ReadHostPorts(ObjectAt(root, "spec"), pod);
  ReadMeshProxy(root, pod);
  return pod;
}

StatusOr<ServiceRecord> ObjectDecoder::DecodeService(std::string_view json) {
  ASSIGN_OR_RETURN(object root, implementation_->Parse(json));
  object metadata = ObjectAt(root, "metadata");
  ServiceRecord service;
  RETURN_IF_ERROR(implementation_->ReadIdentity(metadata, service));
  service.created = TimeAt(metadata, "creationTimestamp").value_or(Time());
  object spec = ObjectAt(root, "spec");
  service.type = TextAt(spec, "type").empty() ? "ClusterIP" : TextAt(spec, "type");
  service.headless = TextAt(spec, "clusterIP") == "None";
  service.external_name = TextAt(spec, "externalName");
  object selector = ObjectAt(spec, "selector");
  service.has_selector = IsPresent(spec, "selector") && selector.size() > 0;
  AddAddress(TextAt(spec, "clusterIP"), service.cluster_ips);
  auto add_text = [](const element& item, std::vector<IpAddress>& addresses) {
    std::string_view text;
    if (item.get(text) == simdjson::SUCCESS) {
      AddAddress(text, addresses);
    }
  };
  ForEach(spec, "clusterIPs", [&](const element& item) { add_text(item, service.cluster_ips); });
  ForEach(spec, "externalIPs", [&](const element& item) { add_text(item, service.external_ips); });
  object balancer = ObjectAt(ObjectAt(root, "status"), "loadBalancer");
  ForEachObject(balancer, "ingress", [&](const object& ingress) {
    AddAddress(TextAt(ingress, "ip"), service.external_ips);
  });
  ForEachObject(spec, "ports", [&](const object& port) {
    if (std::optional<uint16_t> number = PortAt(port, "port")) {
      service.ports.push_back(
          {.port = *number,
           .node_port = PortAt(port, "nodePort"),
           .protocol = TextAt(port, "protocol") == "UDP" ? Protocol::kUdp : Protocol::kTcp});
    }
  });
  return service;
}

StatusOr<EndpointSliceRecord> ObjectDecoder::DecodeEndpointSlice(std::string_view json) {
  ASSIGN_OR_RETURN(object root, implementation_->Parse(json));
  object metadata = ObjectAt(root, "metadata");
  EndpointSliceRecord slice;
  RETURN_IF_ERROR(implementation_->ReadIdentity(metadata, slice));
  slice.service_name = TextAt(ObjectAt(metadata, "labels"), kServiceNameLabel);
  ForEachObject(root, "endpoints", [&](const object& endpoint) {
    object target = ObjectAt(endpoint, "targetRef");
    std::optional<ObjectUid> pod;
    if (TextAt(target, "kind") == "Pod") {
      pod = ObjectUid::Parse(TextAt(target, "uid"));
    }
    ForEach(endpoint, "addresses", [&](const element& item) {
      std::string_view text;
      std::optional<IpAddress> address;
      if (item.get(text) == simdjson::SUCCESS) {
        address = IpAddress::Parse(text);
      }
      if (address) {
        slice.endpoints.push_back({.address = *address,
                                   .pod = pod,
                                   .hostname = std::string(TextAt(endpoint, "hostname"))});
      }
    });
  });
  ForEachObject(root, "ports", [&](const object& port) {
    if (std::optional<uint16_t> number = PortAt(port, "port")) {
      slice.ports.push_back(*number);
    }
  });
  return slice;
}

StatusOr<NodeRecord> ObjectDecoder::DecodeNode(std::string_view json) {
  ASSIGN_OR_RETURN(object root, implementation_->Parse(json));
  NodeRecord node;
  node.name = TextAt(ObjectAt(root, "metadata"), "name");
  if (node.name.empty()) {
    return InvalidArgument("node without a name");
  }
  ForEachObject(ObjectAt(root, "status"), "addresses", [&](const object& address) {
    std::string_view type = TextAt(address, "type");
    if (type == "InternalIP" || type == "ExternalIP") {
      AddAddress(TextAt(address, "address"), node.addresses);
    }
  });
  return node;
}

StatusOr<OwnerRecord> ObjectDecoder::DecodeOwner(std::string_view json) {
  ASSIGN_OR_RETURN(object root, implementation_->Parse(json));
  object metadata = ObjectAt(root, "metadata");
  std::optional<ObjectUid> uid = ObjectUid::Parse(TextAt(metadata, "uid"));
  if (!uid) {
    return InvalidArgument("object without a UID");
  }
  return OwnerRecord{.uid = *uid, .owner = OwnerOf(metadata)};
}

}  // namespace network_mapper
