// A pod as the inventory keeps it: the shared facts that answers hand out, and what is needed to
// rebuild them when an owner becomes known. Private to the inventory.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mapper/inventory/inventory.h"
#include "mapper/inventory/records.h"

namespace network_mapper {

using OwnerReferencePtr = std::shared_ptr<const OwnerReference>;

struct PodEntry {
  // Never null once the entry is in the inventory.
  PodFactsPtr facts;
  std::optional<ObjectUid> config_hash;
  // Null when the name does not depend on an owner (override, static or naked pod).
  OwnerReferencePtr owner;
  // Under which PodStore finds it by its owner's name.
  std::string owner_name;
  // What a Job's pod is called after its images; empty when that option is off.
  std::string image_name;
  // Addresses whose tenure is open; for a host-network pod the addresses of its node.
  std::vector<IpAddress> addresses;
  // Ports of its node whose tenure is open; of few pods.
  std::vector<HostPort> host_ports;
  // Only of host-network pods.
  std::vector<uint16_t> container_ports;
  // Null for the many pods without one.
  std::unique_ptr<const MeshProxy> mesh_proxy;
  std::optional<Time> terminating_since;
  // When the last status of this pod arrived.
  Time last_arrival;
  uint64_t generation = 0;
  // It had an address before now.
  bool had_address = false;
  // Deleted or vanished; kept for the history.
  bool gone = false;
};

using PodEntryPtr = std::shared_ptr<PodEntry>;

}  // namespace network_mapper
