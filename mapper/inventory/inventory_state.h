// The inventory's content and its answers: pods, services and nodes put together. Private to
// Inventory, which holds it under a lock.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "mapper/inventory/inventory.h"
#include "mapper/inventory/inventory_options.h"
#include "mapper/inventory/pod_store.h"
#include "mapper/inventory/records.h"
#include "mapper/inventory/service_store.h"

namespace network_mapper {

class InventoryState final : public InventoryView {
 public:
  InventoryState() : InventoryState(InventoryOptions{}) {}

  explicit InventoryState(const InventoryOptions& options);

  PodAnswer PodByIp(const IpAddress& address, Time time) const override;
  PodFactsPtr PodByUid(const PodUid& uid) const override;
  PodFactsPtr PodByName(std::string_view name_space, std::string_view name) const override;
  PodFactsPtr PodByOwnerName(std::string_view name_space, std::string_view name) const override;
  PodFactsPtr PodByCanonicalName(std::string_view name_space,
                                 std::string_view workload) const override;
  PodFactsPtr PodByHostname(const ServiceFacts& service, std::string_view hostname,
                            Time time) const override;
  ServiceFactsPtr ServiceByName(std::string_view name_space, std::string_view name) const override;
  ServiceFactsPtr ServiceByIp(const IpAddress& address, std::optional<uint16_t> port,
                              Time time) const override;
  ServiceFactsPtr ServiceByNodePort(uint16_t port, Protocol protocol) const override;
  ServiceBackends BackendsOf(const ServiceFacts& service, Time time) const override;
  PodAnswer PodByHostPort(const HostPort& port, Time time) const override;
  bool IsNode(const IpAddress& address) const override;
  bool IsControlPlane(const IpAddress& address, std::optional<uint16_t> port) const override;
  std::vector<PodFactsPtr> HostNetworkPods(const IpAddress& node,
                                           std::optional<uint16_t> port) const override;

  PodStore& Pods() { return pods_; }

  const PodStore& Pods() const { return pods_; }

  ServiceStore& Services() { return services_; }

  const ServiceStore& Services() const { return services_; }

  void UpsertNode(NodeRecord record);
  void DeleteNode(const std::string& name);

  void BeginReplaceNodes() { ++node_generation_; }

  void EndReplaceNodes();

  size_t NodeCount() const { return nodes_.size(); }

  // Sorted.
  std::vector<std::string> NodeNames() const;

  // To be called after services or slices changed.
  void RefreshControlPlane();

 private:
  struct Node {
    std::vector<IpAddress> addresses;
    uint64_t generation = 0;
  };

  struct ControlPlane {
    std::unordered_set<IpAddress> cluster_ips;
    std::vector<uint16_t> service_ports;
    std::unordered_set<IpAddress> endpoints;
    std::vector<uint16_t> endpoint_ports;
  };

  ServiceBackends CollectBackends(const ServiceEntry& service, Time time) const;

  InventoryOptions options_;
  PodStore pods_;
  ServiceStore services_;
  std::unordered_map<std::string, Node> nodes_;
  // How many nodes have it.
  std::unordered_map<IpAddress, size_t> node_addresses_;
  uint64_t node_generation_ = 1;
  ControlPlane control_plane_;
};

}  // namespace network_mapper
