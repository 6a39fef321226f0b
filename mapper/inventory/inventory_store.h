// The inventory as one object: many readers ask through Read, few writers (InventoryFeed, the owner
// fetcher, tests) tell what they saw and when it arrived. Thread-safe.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "common/concurrency/guarded.h"
#include "mapper/inventory/inventory.h"
#include "mapper/inventory/inventory_options.h"
#include "mapper/inventory/inventory_state.h"
#include "mapper/inventory/records.h"

namespace network_mapper {

struct InventorySizes {
  size_t pods = 0;
  size_t services = 0;
  size_t endpoint_slices = 0;
  size_t nodes = 0;
  size_t owners = 0;
  size_t wanted_owners = 0;
  size_t pod_addresses = 0;
};

class Inventory {
 public:
  explicit Inventory(const InventoryOptions& options = {});

  // use(const InventoryView&) runs under the shared lock: several questions see one state. It must
  // not call Inventory, keep the view, nor block.
  template <typename F>
  decltype(auto) Read(F&& use) const {
    return state_.Read([&](const InventoryState& state) -> decltype(auto) {
      return std::forward<F>(use)(static_cast<const InventoryView&>(state));
    });
  }

  // In all of these `now` is the time of arrival.
  void Upsert(PodRecord record, Time now);
  void Upsert(ServiceRecord record, Time now);
  void Upsert(EndpointSliceRecord record, Time now);
  void Upsert(NodeRecord record, Time now);
  void Upsert(const OwnerRecord& record, ObjectKind kind, Time now);
  // The last state of an object that was deleted.
  void Delete(PodRecord last_state, Time now);
  void Delete(const ServiceRecord& last_state, Time now);
  void Delete(const EndpointSliceRecord& last_state, Time now);
  void Delete(const NodeRecord& last_state, Time now);
  void Delete(const OwnerRecord& last_state, Time now);
  // A list: what is not upserted in between no longer exists. Lists of different kinds may overlap
  // in time, lists of one kind not.
  void BeginReplace(ObjectKind kind);
  void EndReplace(ObjectKind kind, Time now);
  // To be called about once a second: forgets what is older than the history, ends waits for
  // owners.
  void Tick(Time now);

  // For the owner fetcher: see OwnerTable.
  std::vector<OwnerRequest> TakeWantedOwners(Time now, size_t limit);
  void UpsertFetchedOwner(const OwnerRecord& record, Time now);
  // Forbidden, not found, or of a kind that the cluster does not serve.
  void MarkOwnerUnreadable(const ObjectUid& uid, Time now);

  InventorySizes Sizes() const;
  // Sorted.
  std::vector<std::string> NodeNames() const;
  // Of pods that are there and have an address.
  std::vector<MeshProxyFacts> MeshProxies() const;

 private:
  SharedGuarded<InventoryState> state_;
};

}  // namespace network_mapper
