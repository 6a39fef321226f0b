// A pod from a hostile API server, decoded and taken into an inventory that is then asked about it.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "mapper/inventory/inventory_store.h"
#include "mapper/inventory/object_decoder.h"

namespace network_mapper {
namespace {

void Ask(const Inventory& inventory, const PodRecord& pod, Time now) {
  inventory.Read([&](const InventoryView& view) {
    for (const IpAddress& address : pod.ips) {
      for (Time time : {Time::min(), pod.created, now, Time::max()}) {
        PodAnswer answer = view.PodByIp(address, time);
        if (answer.pod != nullptr && answer.pod->workload.identity == nullptr) {
          __builtin_trap();
        }
      }
    }
    (void)view.PodByName(pod.name_space, pod.name);
    PodFactsPtr facts = view.PodByUid(pod.uid);
    if (facts == nullptr || facts->name != pod.name) {
      __builtin_trap();
    }
  });
}

}  // namespace
}  // namespace network_mapper

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace network_mapper;  // NOLINT(google-build-using-namespace): a fuzz target's body
  static ObjectDecoder decoder;
  StatusOr<PodRecord> pod =
      decoder.DecodePod(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!pod.ok()) {
    return 0;
  }
  Time now{std::chrono::seconds(1767225600)};
  Inventory inventory;
  inventory.Upsert(*pod, now);
  Ask(inventory, *pod, now);
  inventory.Tick(now + std::chrono::seconds(20));
  inventory.Upsert(*pod, now + std::chrono::seconds(21));
  inventory.Delete(*pod, now + std::chrono::seconds(22));
  Ask(inventory, *pod, now);
  inventory.Tick(now + std::chrono::hours(1));
  if (inventory.Sizes().pods != 0 || inventory.Sizes().pod_addresses != 0) {
    __builtin_trap();
  }
  return 0;
}
