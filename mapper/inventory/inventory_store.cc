#include "mapper/inventory/inventory_store.h"

namespace network_mapper {

namespace {

bool IsApiServer(std::string_view name_space, std::string_view service) {
  return name_space == "default" && service == "kubernetes";
}

}  // namespace

Inventory::Inventory(const InventoryOptions& options) {
  state_.Write([&](InventoryState& state) { state = InventoryState(options); });
}

void Inventory::Upsert(PodRecord record, Time now) {
  state_.Write([&](InventoryState& state) { state.Pods().Upsert(std::move(record), now); });
}

void Inventory::Upsert(ServiceRecord record, Time now) {
  state_.Write([&](InventoryState& state) {
    bool api_server = IsApiServer(record.name_space, record.name);
    state.Services().Upsert(std::move(record), now);
    if (api_server) {
      state.RefreshControlPlane();
    }
  });
}

void Inventory::Upsert(EndpointSliceRecord record, Time now) {
  state_.Write([&](InventoryState& state) {
    state.Services().UpsertSlice(record, now);
    if (IsApiServer(record.name_space, record.service_name)) {
      state.RefreshControlPlane();
    }
  });
}

void Inventory::Upsert(NodeRecord record, Time /*now*/) {
  state_.Write([&](InventoryState& state) { state.UpsertNode(std::move(record)); });
}

void Inventory::Upsert(const OwnerRecord& record, ObjectKind kind, Time now) {
  state_.Write([&](InventoryState& state) { state.Pods().UpsertOwner(record, kind, now); });
}

void Inventory::Delete(PodRecord last_state, Time now) {
  state_.Write([&](InventoryState& state) { state.Pods().Delete(std::move(last_state), now); });
}

void Inventory::Delete(const ServiceRecord& last_state, Time now) {
  state_.Write([&](InventoryState& state) {
    state.Services().Delete({last_state.name_space, last_state.name}, now);
    state.RefreshControlPlane();
  });
}

void Inventory::Delete(const EndpointSliceRecord& last_state, Time now) {
  state_.Write([&](InventoryState& state) {
    state.Services().DeleteSlice(last_state.uid, now);
    state.RefreshControlPlane();
  });
}

void Inventory::Delete(const NodeRecord& last_state, Time /*now*/) {
  state_.Write([&](InventoryState& state) { state.DeleteNode(last_state.name); });
}

void Inventory::Delete(const OwnerRecord& last_state, Time now) {
  state_.Write([&](InventoryState& state) { state.Pods().Owners().Delete(last_state.uid, now); });
}

void Inventory::BeginReplace(ObjectKind kind) {
  state_.Write([&](InventoryState& state) {
    switch (kind) {
      case ObjectKind::kPod:
        state.Pods().BeginReplace();
        break;
      case ObjectKind::kService:
        state.Services().BeginReplaceServices();
        break;
      case ObjectKind::kEndpointSlice:
        state.Services().BeginReplaceSlices();
        break;
      case ObjectKind::kNode:
        state.BeginReplaceNodes();
        break;
      default:
        state.Pods().Owners().BeginReplace(kind);
        break;
    }
  });
}

void Inventory::EndReplace(ObjectKind kind, Time now) {
  state_.Write([&](InventoryState& state) {
    switch (kind) {
      case ObjectKind::kPod:
        state.Pods().EndReplace(now);
        break;
      case ObjectKind::kService:
        state.Services().EndReplaceServices(now);
        state.RefreshControlPlane();
        break;
      case ObjectKind::kEndpointSlice:
        state.Services().EndReplaceSlices(now);
        state.RefreshControlPlane();
        break;
      case ObjectKind::kNode:
        state.EndReplaceNodes();
        break;
      default:
        state.Pods().Owners().EndReplace(kind, now);
        break;
    }
  });
}

void Inventory::Tick(Time now) {
  state_.Write([&](InventoryState& state) {
    state.Pods().Tick(now);
    state.Services().Tick(now);
    state.RefreshControlPlane();
  });
}

std::vector<OwnerRequest> Inventory::TakeWantedOwners(Time now, size_t limit) {
  return state_.Write(
      [&](InventoryState& state) { return state.Pods().TakeWantedOwners(now, limit); });
}

void Inventory::UpsertFetchedOwner(const OwnerRecord& record, Time now) {
  state_.Write([&](InventoryState& state) { state.Pods().UpsertOwner(record, std::nullopt, now); });
}

void Inventory::MarkOwnerUnreadable(const ObjectUid& uid, Time now) {
  state_.Write([&](InventoryState& state) { state.Pods().MarkOwnerUnreadable(uid, now); });
}

std::vector<std::string> Inventory::NodeNames() const {
  return state_.Read([](const InventoryState& state) { return state.NodeNames(); });
}

std::vector<MeshProxyFacts> Inventory::MeshProxies() const {
  return state_.Read([](const InventoryState& state) { return state.Pods().MeshProxies(); });
}

InventorySizes Inventory::Sizes() const {
  return state_.Read([](const InventoryState& state) {
    return InventorySizes{state.Pods().AliveCount(),          state.Services().ServiceCount(),
                          state.Services().SliceCount(),      state.NodeCount(),
                          state.Pods().Owners().Size(),       state.Pods().Owners().WantedCount(),
                          state.Pods().Addresses().KeyCount()};
  });
}

}  // namespace network_mapper
