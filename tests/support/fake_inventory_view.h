// An inventory that a test or benchmark fills in by hand. It answers from what it was told and
// knows no watches.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "mapper/inventory/inventory.h"

namespace network_mapper {

class FakeInventoryView final : public InventoryView {
 public:
  // When an address belonged to a pod: [from, to].
  struct Lease {
    PodFactsPtr pod;
    Time from = Time::min();
    Time to = Time::max();
  };

  struct Service {
    ServiceFactsPtr facts;
    ServiceBackends backends;
    std::unordered_map<std::string, PodFactsPtr> by_hostname;
  };

  static IpAddress Ip(std::string_view text) { return IpAddress::Parse(text).value(); }

  // Also makes the pod known by name and UID. The workload must be set.
  PodFactsPtr AddPod(PodFacts facts, const std::vector<std::string>& addresses = {},
                     Time from = Time::min(), Time to = Time::max()) {
    auto pod = std::make_shared<const PodFacts>(std::move(facts));
    pods_by_uid_[pod->uid] = pod;
    pods_by_name_[Key(pod->name_space, pod->name)] = pod;
    for (const std::string& address : addresses) {
      leases_[Ip(address)].push_back({pod, from, to});
    }
    return pod;
  }

  // "workload" in "namespace", a Deployment unless said otherwise.
  static Workload MakeWorkload(std::string name_space, std::string name,
                               std::string kind = "Deployment") {
    WorkloadIdentity identity;
    identity.name = std::move(name);
    identity.name_space = std::move(name_space);
    identity.owner_kind = GroupVersionKind{"apps", "v1", std::move(kind)};
    return {std::make_shared<const WorkloadIdentity>(std::move(identity)),
            std::make_shared<const Labels>()};
  }

  // A pod of workload `workload` with one address; its UID is made from its name.
  PodFactsPtr AddSimplePod(const std::string& name_space, const std::string& name,
                           const std::string& workload, const std::string& address,
                           const std::string& node = {}) {
    PodFacts facts;
    facts.name = name;
    facts.name_space = name_space;
    facts.uid = UidOf(name);
    facts.node = node.empty() ? nullptr : std::make_shared<const std::string>(node);
    facts.workload = MakeWorkload(name_space, workload);
    return AddPod(std::move(facts), {address});
  }

  static PodUid UidOf(std::string_view name) {
    PodUid uid;
    const uint64_t hash = std::hash<std::string_view>()(name);
    std::memcpy(uid.bytes.data(), &hash, sizeof(hash));
    return uid;
  }

  Service& AddService(ServiceFacts facts, const std::vector<Workload>& workloads = {}) {
    auto service = std::make_unique<Service>();
    service->facts = std::make_shared<const ServiceFacts>(std::move(facts));
    service->backends.workloads = workloads;
    const ServiceFacts& known = *service->facts;
    for (const IpAddress& address : known.cluster_ips) {
      services_by_ip_[address] = service.get();
    }
    Service& added = *service;
    services_[Key(known.name_space, known.name)] = std::move(service);
    return added;
  }

  Service& AddService(const std::string& name_space, const std::string& name,
                      const std::string& cluster_ip, const std::vector<Workload>& workloads) {
    ServiceFacts facts;
    facts.name = name;
    facts.name_space = name_space;
    facts.type = "ClusterIP";
    facts.headless = cluster_ip.empty();
    if (!cluster_ip.empty()) {
      facts.cluster_ips.push_back(Ip(cluster_ip));
    }
    return AddService(std::move(facts), workloads);
  }

  void AddCanonicalName(const std::string& name_space, const std::string& workload,
                        PodFactsPtr pod) {
    canonical_[Key(name_space, workload)] = std::move(pod);
  }

  void AddOwnerName(const std::string& name_space, const std::string& owner, PodFactsPtr pod) {
    by_owner_[Key(name_space, owner)] = std::move(pod);
  }

  void AddNode(const std::string& address) { nodes_.insert(Ip(address)); }

  void AddNodePort(uint16_t port, const Service& service, Protocol protocol = Protocol::kTcp) {
    node_ports_[{port, protocol}] = service.facts;
  }

  void AddHostNetworkPod(const std::string& node, uint16_t port, PodFactsPtr pod) {
    host_network_.emplace_back(Ip(node), port, std::move(pod));
  }

  void AddHostPort(const std::string& node, uint16_t port, PodFactsPtr pod, Time from = Time::min(),
                   Protocol protocol = Protocol::kTcp) {
    host_ports_[{Ip(node), port, protocol}] = {std::move(pod), from};
  }

  // Without a port: every port counts, as at a ClusterIP in a test that does not care.
  void AddControlPlane(const std::string& address, std::optional<uint16_t> port = std::nullopt) {
    control_plane_.emplace_back(Ip(address), port);
  }

  PodAnswer PodByIp(const IpAddress& address, Time time) const override {
    if (nodes_.count(address) != 0) {
      return {nullptr, LookupFailure::kHostNetwork};
    }
    auto leases = leases_.find(address);
    if (leases == leases_.end()) {
      return {};
    }
    PodFactsPtr found;
    for (const Lease& lease : leases->second) {
      if (time < lease.from || time > lease.to) {
        continue;
      }
      if (found != nullptr) {
        return {nullptr, LookupFailure::kAmbiguous};
      }
      found = lease.pod;
    }
    if (found == nullptr) {
      return {};
    }
    if (found->owner_pending) {
      return {nullptr, LookupFailure::kOwnerPending};
    }
    return {found, LookupFailure::kUnknown};
  }

  PodFactsPtr PodByUid(const PodUid& uid) const override { return Find(pods_by_uid_, uid); }

  PodFactsPtr PodByName(std::string_view name_space, std::string_view name) const override {
    return Find(pods_by_name_, Key(name_space, name));
  }

  PodFactsPtr PodByOwnerName(std::string_view name_space, std::string_view name) const override {
    return Find(by_owner_, Key(name_space, name));
  }

  PodFactsPtr PodByCanonicalName(std::string_view name_space,
                                 std::string_view workload) const override {
    return Find(canonical_, Key(name_space, workload));
  }

  PodFactsPtr PodByHostname(const ServiceFacts& service, std::string_view hostname,
                            Time) const override {
    auto found = services_.find(Key(service.name_space, service.name));
    return found == services_.end() ? nullptr
                                    : Find(found->second->by_hostname, std::string(hostname));
  }

  ServiceFactsPtr ServiceByName(std::string_view name_space, std::string_view name) const override {
    auto found = services_.find(Key(name_space, name));
    return found == services_.end() ? nullptr : found->second->facts;
  }

  ServiceFactsPtr ServiceByIp(const IpAddress& address, std::optional<uint16_t>,
                              Time) const override {
    auto found = services_by_ip_.find(address);
    return found == services_by_ip_.end() ? nullptr : found->second->facts;
  }

  ServiceFactsPtr ServiceByNodePort(uint16_t port, Protocol protocol) const override {
    const auto found = node_ports_.find({port, protocol});
    return found == node_ports_.end() ? nullptr : found->second;
  }

  ServiceBackends BackendsOf(const ServiceFacts& service, Time) const override {
    auto found = services_.find(Key(service.name_space, service.name));
    return found == services_.end() ? ServiceBackends{} : found->second->backends;
  }

  PodAnswer PodByHostPort(const HostPort& port, Time time) const override {
    auto found = host_ports_.find(port);
    if (found == host_ports_.end() || time < found->second.from) {
      return {};
    }
    const PodFactsPtr& pod = found->second.pod;
    return pod->owner_pending ? PodAnswer{nullptr, LookupFailure::kOwnerPending}
                              : PodAnswer{pod, LookupFailure::kUnknown};
  }

  bool IsNode(const IpAddress& address) const override { return nodes_.count(address) != 0; }

  bool IsControlPlane(const IpAddress& address, std::optional<uint16_t> port) const override {
    return std::any_of(
        control_plane_.begin(), control_plane_.end(), [&address, &port](const auto& known) {
          return known.first == address &&
                 (!port.has_value() || !known.second.has_value() || known.second == port);
        });
  }

  std::vector<PodFactsPtr> HostNetworkPods(const IpAddress& node,
                                           std::optional<uint16_t> port) const override {
    std::vector<PodFactsPtr> pods;
    for (const auto& [address, exposed, pod] : host_network_) {
      if (address == node && (!port.has_value() || *port == exposed)) {
        pods.push_back(pod);
      }
    }
    return pods;
  }

 private:
  static std::string Key(std::string_view name_space, std::string_view name) {
    std::string key;
    key.reserve(name_space.size() + name.size() + 1);
    key.append(name_space).append("/").append(name);
    return key;
  }

  template <typename Map>
  static typename Map::mapped_type Find(const Map& map, const typename Map::key_type& key) {
    auto found = map.find(key);
    return found == map.end() ? nullptr : found->second;
  }

  std::unordered_map<PodUid, PodFactsPtr> pods_by_uid_;
  std::unordered_map<std::string, PodFactsPtr> pods_by_name_;
  std::unordered_map<std::string, PodFactsPtr> canonical_;
  std::unordered_map<std::string, PodFactsPtr> by_owner_;
  std::unordered_map<IpAddress, std::vector<Lease>> leases_;
  std::unordered_map<std::string, std::unique_ptr<Service>> services_;
  std::unordered_map<IpAddress, const Service*> services_by_ip_;
  std::map<std::pair<uint16_t, Protocol>, ServiceFactsPtr> node_ports_;
  std::unordered_set<IpAddress> nodes_;
  std::vector<std::tuple<IpAddress, uint16_t, PodFactsPtr>> host_network_;
  std::unordered_map<HostPort, Lease> host_ports_;
  std::vector<std::pair<IpAddress, std::optional<uint16_t>>> control_plane_;
};

}  // namespace network_mapper
