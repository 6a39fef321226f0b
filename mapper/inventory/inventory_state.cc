#include "mapper/inventory/inventory_state.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

namespace network_mapper {

namespace {

constexpr ObjectNameView kApiServer{"default", "kubernetes"};

bool SharesPrefix(const IpAddress& a, const IpAddress& b, unsigned length) {
  std::span<const uint8_t> left = a.Bytes();
  std::span<const uint8_t> right = b.Bytes();
  if (left.size() != right.size() || length > left.size() * 8) {
    return false;
  }
  size_t whole = length / 8;
  if (!std::equal(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(whole), right.begin())) {
    return false;
  }
  unsigned rest = length % 8;
  return rest == 0 || (left[whole] >> (8 - rest)) == (right[whole] >> (8 - rest));
}

// The text of an address as cluster DNS writes it into names: dots and colons as dashes.
bool IsDashed(std::string_view label, const IpAddress& address) {
  if (label.find('-') == std::string_view::npos) {
    return false;
  }
  std::string text(label);
  std::replace(text.begin(), text.end(), '-', address.IsV4() ? '.' : ':');
  return IpAddress::Parse(text) == address;
}

// Without a port to check, or with no port known, nothing is excluded.
bool Allows(const std::vector<uint16_t>& ports, std::optional<uint16_t> port) {
  return !port || ports.empty() || std::find(ports.begin(), ports.end(), *port) != ports.end();
}

PodAnswer UnlessPending(PodAnswer answer) {
  return answer.pod != nullptr && answer.pod->owner_pending
             ? PodAnswer{nullptr, LookupFailure::kOwnerPending}
             : std::move(answer);
}

void AddWorkload(ServiceBackends& backends, const PodFacts& pod) {
  if (pod.owner_pending) {
    backends.owner_pending = true;
    return;
  }
  bool known = std::any_of(
      backends.workloads.begin(), backends.workloads.end(),
      [&](const Workload& workload) { return workload.identity == pod.workload.identity; });
  if (!known) {
    backends.workloads.push_back(pod.workload);
  }
}

}  // namespace

InventoryState::InventoryState(const InventoryOptions& options)
    : options_(options), pods_(options), services_(options) {}

PodAnswer InventoryState::PodByIp(const IpAddress& address, Time time) const {
  PodAnswer answer = UnlessPending(pods_.Addresses().Find(address, time));
  if (answer.pod == nullptr && answer.failure == LookupFailure::kUnknown &&
      (IsNode(address) || pods_.HasHostNetworkPods(address))) {
    answer.failure = LookupFailure::kHostNetwork;
  }
  return answer;
}

PodFactsPtr InventoryState::PodByUid(const PodUid& uid) const {
  PodEntryPtr pod = pods_.FindByUid(uid);
  return pod == nullptr ? nullptr : pod->facts;
}

PodFactsPtr InventoryState::PodByName(std::string_view name_space, std::string_view name) const {
  return pods_.ByName({name_space, name});
}

PodFactsPtr InventoryState::PodByOwnerName(std::string_view name_space,
                                           std::string_view name) const {
  return pods_.ByOwnerName({name_space, name});
}

PodFactsPtr InventoryState::PodByCanonicalName(std::string_view name_space,
                                               std::string_view workload) const {
  return pods_.ByCanonicalName({name_space, workload});
}

PodFactsPtr InventoryState::PodByHostname(const ServiceFacts& service, std::string_view hostname,
                                          Time time) const {
  const ServiceEntry* entry = services_.Find({service.name_space, service.name});
  if (entry == nullptr) {
    return nullptr;
  }
  const Backend* best = nullptr;
  for (const Backend& backend : entry->backends) {
    bool named = backend.hostname != nullptr ? *backend.hostname == hostname
                                             : IsDashed(hostname, backend.address);
    if (!named || !backend.HeldAt(time)) {
      continue;
    }
    best = best == nullptr || best->from < backend.from ? &backend : best;
  }
  if (best == nullptr) {
    return nullptr;
  }
  return best->pod ? PodByUid(*best->pod) : pods_.Addresses().Find(best->address, time).pod;
}

ServiceFactsPtr InventoryState::ServiceByName(std::string_view name_space,
                                              std::string_view name) const {
  return services_.ByName({name_space, name});
}

ServiceFactsPtr InventoryState::ServiceByIp(const IpAddress& address, std::optional<uint16_t> port,
                                            Time time) const {
  return services_.ByIp(address, port, time);
}

ServiceFactsPtr InventoryState::ServiceByNodePort(uint16_t port, Protocol protocol) const {
  return services_.ByNodePort(port, protocol);
}

ServiceBackends InventoryState::BackendsOf(const ServiceFacts& service, Time time) const {
  const ServiceEntry* entry = services_.Find({service.name_space, service.name});
  if (entry == nullptr) {
    return {};
  }
  if (time < entry->backends_changed) {
    return CollectBackends(*entry, time);
  }
  return entry->cache.With([&](BackendCache& cache) {
    if (cache.epoch == pods_.Epoch()) {
      return cache.backends;
    }
    ServiceBackends backends = CollectBackends(*entry, time);
    // What stands behind a bare address may change without a change of the service.
    bool all_pods = std::all_of(entry->backends.begin(), entry->backends.end(),
                                [](const Backend& backend) { return backend.pod.has_value(); });
    cache.epoch = all_pods ? pods_.Epoch() : 0;
    cache.backends = all_pods ? backends : ServiceBackends{};
    return backends;
  });
}

ServiceBackends InventoryState::CollectBackends(const ServiceEntry& service, Time time) const {
  ServiceBackends result;
  for (const Backend& backend : service.backends) {
    if (!backend.HeldAt(time)) {
      continue;
    }
    PodFactsPtr pod =
        backend.pod ? PodByUid(*backend.pod) : pods_.Addresses().Find(backend.address, time).pod;
    if (pod != nullptr) {
      AddWorkload(result, *pod);
    } else if (!backend.pod && std::find(result.bare_addresses.begin(), result.bare_addresses.end(),
                                         backend.address) == result.bare_addresses.end()) {
      result.bare_addresses.push_back(backend.address);
    }
  }
  std::sort(result.workloads.begin(), result.workloads.end(),
            [](const Workload& a, const Workload& b) {
              return std::tie(a.identity->name_space, a.identity->name) <
                     std::tie(b.identity->name_space, b.identity->name);
            });
  return result;
}

PodAnswer InventoryState::PodByHostPort(const HostPort& port, Time time) const {
  return UnlessPending(pods_.HostPorts().Find(port, time));
}

bool InventoryState::IsNode(const IpAddress& address) const {
  return node_addresses_.contains(address);
}

bool InventoryState::IsControlPlane(const IpAddress& address, std::optional<uint16_t> port) const {
  if (control_plane_.cluster_ips.contains(address)) {
    return Allows(control_plane_.service_ports, port);
  }
  if (!Allows(control_plane_.endpoint_ports, port)) {
    return false;
  }
  if (control_plane_.endpoints.contains(address)) {
    return true;
  }
  unsigned length = address.IsV4() ? options_.control_plane_ipv4_prefix_length
                                   : options_.control_plane_ipv6_prefix_length;
  if (length >= address.Bytes().size() * 8) {
    return false;
  }
  return std::any_of(
      control_plane_.endpoints.begin(), control_plane_.endpoints.end(),
      [&](const IpAddress& endpoint) { return SharesPrefix(endpoint, address, length); });
}

std::vector<PodFactsPtr> InventoryState::HostNetworkPods(const IpAddress& node,
                                                         std::optional<uint16_t> port) const {
  return pods_.HostNetworkPods(node, port);
}

void InventoryState::UpsertNode(NodeRecord record) {
  Node& node = nodes_[record.name];
  for (const IpAddress& address : record.addresses) {
    ++node_addresses_[address];
  }
  std::swap(node.addresses, record.addresses);
  node.generation = node_generation_;
  for (const IpAddress& address : record.addresses) {
    auto found = node_addresses_.find(address);
    if (found != node_addresses_.end() && --found->second == 0) {
      node_addresses_.erase(found);
    }
  }
}

void InventoryState::DeleteNode(const std::string& name) {
  UpsertNode({name, {}});
  nodes_.erase(name);
}

std::vector<std::string> InventoryState::NodeNames() const {
  std::vector<std::string> names;
  for (const auto& [name, node] : nodes_) {
    names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

void InventoryState::EndReplaceNodes() {
  std::vector<std::string> vanished;
  for (const auto& [name, node] : nodes_) {
    if (node.generation < node_generation_) {
      vanished.push_back(name);
    }
  }
  for (const std::string& name : vanished) {
    DeleteNode(name);
  }
}

void InventoryState::RefreshControlPlane() {
  control_plane_ = {};
  const ServiceEntry* service = services_.Find(kApiServer);
  if (service == nullptr) {
    return;
  }
  const ServiceFactsPtr& facts = service->facts != nullptr ? service->facts : service->last_facts;
  if (facts != nullptr) {
    control_plane_.cluster_ips.insert(facts->cluster_ips.begin(), facts->cluster_ips.end());
  }
  for (const ServicePort& port : service->ports) {
    control_plane_.service_ports.push_back(port.port);
  }
  for (const Backend& backend : service->backends) {
    control_plane_.endpoints.insert(backend.address);
  }
  control_plane_.endpoint_ports = service->backend_ports;
}

}  // namespace network_mapper
