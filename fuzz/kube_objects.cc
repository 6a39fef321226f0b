// Services, slices, nodes and owners from a hostile API server.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "mapper/inventory/inventory_store.h"
#include "mapper/inventory/object_decoder.h"

namespace network_mapper {
namespace {

constexpr Time kNow{std::chrono::seconds(1767225600)};

void TakeService(Inventory& inventory, const ServiceRecord& service) {
  inventory.Upsert(service, kNow);
  inventory.Read([&](const InventoryView& view) {
    ServiceFactsPtr facts = view.ServiceByName(service.name_space, service.name);
    if (facts == nullptr) {
      __builtin_trap();
    }
    (void)view.BackendsOf(*facts, kNow);
    (void)view.PodByHostname(*facts, "a-1", kNow);
    for (const IpAddress& address : service.cluster_ips) {
      (void)view.ServiceByIp(address, 80, kNow);
      (void)view.IsControlPlane(address, 443);
    }
  });
}

}  // namespace
}  // namespace network_mapper

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace network_mapper;  // NOLINT(google-build-using-namespace): a fuzz target's body
  static ObjectDecoder decoder;
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  Inventory inventory;
  if (StatusOr<EndpointSliceRecord> slice = decoder.DecodeEndpointSlice(json); slice.ok()) {
    inventory.Upsert(*slice, kNow);
  }
  if (StatusOr<ServiceRecord> service = decoder.DecodeService(json); service.ok()) {
    TakeService(inventory, *service);
    inventory.Delete(*service, kNow);
  }
  if (StatusOr<NodeRecord> node = decoder.DecodeNode(json); node.ok()) {
    inventory.Upsert(*node, kNow);
    inventory.Delete(*node, kNow);
  }
  if (StatusOr<OwnerRecord> owner = decoder.DecodeOwner(json); owner.ok()) {
    inventory.Upsert(*owner, ObjectKind::kReplicaSet, kNow);
    inventory.Delete(*owner, kNow);
  }
  inventory.Tick(kNow + std::chrono::hours(1));
  if (inventory.Sizes().services != 0 || inventory.Sizes().nodes != 0) {
    __builtin_trap();
  }
  return 0;
}
