// The pods of the inventory with all their indexes and their past. Not thread-safe; reads no clock.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "mapper/inventory/address_history.h"
#include "mapper/inventory/interner.h"
#include "mapper/inventory/inventory_options.h"
#include "mapper/inventory/object_name.h"
#include "mapper/inventory/owner_table.h"
#include "mapper/inventory/pod_entry.h"
#include "mapper/inventory/pods_by_name.h"
#include "mapper/inventory/records.h"

namespace network_mapper {

class PodStore {
 public:
  explicit PodStore(const InventoryOptions& options);

  void Upsert(PodRecord record, Time now);
  void Delete(PodRecord last_state, Time now);
  void BeginReplace();
  // Pods that were not upserted since BeginReplace are gone: some time after the last event that
  // came before it.
  void EndReplace(Time now);
  // Forgets what is older than the history; names pods that waited long enough for their owner.
  void Tick(Time now);

  void UpsertOwner(const OwnerRecord& record, std::optional<ObjectKind> kind, Time now);
  void MarkOwnerUnreadable(const ObjectUid& uid, Time now);
  std::vector<OwnerRequest> TakeWantedOwners(Time now, size_t limit);

  OwnerTable& Owners() { return owners_; }

  const OwnerTable& Owners() const { return owners_; }

  const AddressHistory& Addresses() const { return addresses_; }

  const HostPortHistory& HostPorts() const { return host_ports_; }

  PodEntryPtr FindByUid(const PodUid& uid) const;
  PodFactsPtr ByName(ObjectNameView name) const;

  PodFactsPtr ByOwnerName(ObjectNameView owner) const { return by_owner_name_.Newest(owner); }

  PodFactsPtr ByCanonicalName(ObjectNameView workload) const {
    return by_canonical_name_.Newest(workload);
  }

  std::vector<PodFactsPtr> HostNetworkPods(const IpAddress& node,
                                           std::optional<uint16_t> port) const;

  bool HasHostNetworkPods(const IpAddress& node) const { return host_network_.contains(node); }

  // Of pods that are there and have an address.
  std::vector<MeshProxyFacts> MeshProxies() const;

  // Changes whenever the workload of any pod may have changed.
  uint64_t Epoch() const { return epoch_; }

  size_t AliveCount() const { return by_uid_.size() - gone_.size(); }

 private:
  template <typename T>
  using ByObjectName = std::unordered_map<ObjectName, T, ObjectNameHash, ObjectNameEqual>;

  struct Identity {
    WorkloadIdentity value;
    bool pending = false;
  };

  struct Gone {
    Time at;
    PodEntryPtr pod;
  };

  PodEntryPtr EntryOf(const PodRecord& record);
  Identity IdentityOf(const PodEntry& pod, const PodFacts& facts, Time now, bool may_wait);
  void SetIdentity(PodEntry& pod, PodFacts facts, Identity identity);
  void UpdateFacts(PodEntry& pod, PodRecord& record, Time now);
  void RebuildWaiting(const std::vector<ObjectUid>& pods, Time now);
  void RebuildAll(Time now);
  void UpdateIndexes(const PodEntryPtr& pod, const PodRecord& record);
  void UpdateMeshProxy(const PodEntryPtr& pod, const PodRecord& record);
  void UpdateHostNetwork(const PodEntryPtr& pod, const PodRecord& record);
  void UpdateAddresses(const PodEntryPtr& pod, const PodRecord& record, Time now);
  void UpdateHostPorts(const PodEntryPtr& pod, const PodRecord& record, Time now);
  void RemoveFromHost(const IpAddress& address, const PodEntryPtr& pod);
  void EndTenures(const PodEntryPtr& pod, const PodRecord& record, Time now);
  void MarkGone(const PodEntryPtr& pod, Time sure_until, Time now);
  void Forget(const PodEntryPtr& pod);
  void UpdateOwnerName(const PodEntryPtr& pod, const PodRecord& record);
  void RemoveCanonicalName(const PodEntryPtr& pod);

  InventoryOptions options_;
  OwnerTable owners_;
  AddressHistory addresses_;
  HostPortHistory host_ports_;
  Interner<Labels> labels_;
  Interner<std::string> nodes_;
  Interner<WorkloadIdentity> identities_;
  std::unordered_map<PodUid, PodEntryPtr> by_uid_;
  std::unordered_map<PodUid, PodEntryPtr> by_config_hash_;
  ByObjectName<PodEntryPtr> by_name_;
  PodsByName by_owner_name_;
  PodsByName by_canonical_name_;
  std::unordered_map<IpAddress, std::vector<PodEntryPtr>> host_network_;
  // Pods that are there and have a mesh proxy.
  std::unordered_map<PodUid, PodEntryPtr> mesh_proxies_;
  std::deque<Gone> gone_;
  // Pods whose owner is pending, and since when.
  std::unordered_map<PodUid, Time> pending_;
  uint64_t generation_ = 1;
  uint64_t epoch_ = 1;
  Time last_event_{};
  Time last_event_before_list_{};
};

}  // namespace network_mapper
