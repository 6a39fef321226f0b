// Records for inventory tests, in the fewest words. Times are seconds after an arbitrary whole
// second.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "mapper/inventory/inventory_store.h"
#include "mapper/inventory/records.h"
#include "tests/support/ip.h"

namespace network_mapper {

inline Time At(double seconds) {
  return Time(std::chrono::seconds(1767225600)) +
         std::chrono::duration_cast<Time::duration>(std::chrono::duration<double>(seconds));
}

inline ObjectUid Uid(unsigned number) {
  ObjectUid uid;
  uid.bytes[14] = static_cast<uint8_t>(number >> 8U);
  uid.bytes[15] = static_cast<uint8_t>(number);
  return uid;
}

// A running pod of its own, created at second 0, without an address.
inline PodRecord Pod(unsigned uid, std::string name) {
  PodRecord pod;
  pod.name = std::move(name);
  pod.name_space = "shop";
  pod.uid = Uid(uid);
  pod.created = At(0);
  pod.phase = PodPhase::kRunning;
  pod.has_live_container = true;
  pod.node_name = "node-1";
  return pod;
}

inline PodRecord PodWithIp(unsigned uid, std::string name, std::string_view ip, double created) {
  PodRecord pod = Pod(uid, std::move(name));
  pod.ips = {Ip(ip)};
  pod.created = At(created);
  pod.started = At(created);
  return pod;
}

inline OwnerReference Owner(unsigned uid, std::string group, std::string kind, std::string name) {
  return {{std::move(group), "v1", std::move(kind)}, std::move(name), Uid(uid)};
}

inline PodRecord Finished(PodRecord pod, double at) {
  pod.phase = PodPhase::kSucceeded;
  pod.last_container_finished = At(at);
  pod.has_live_container = false;
  return pod;
}

inline PodRecord Terminating(PodRecord pod, double since) {
  pod.terminating_since = At(since);
  return pod;
}

// The name of the pod that held the address, or why there is none.
inline std::string HolderAt(const Inventory& inventory, std::string_view ip, double time) {
  return inventory.Read([&](const InventoryView& view) -> std::string {
    PodAnswer answer = view.PodByIp(Ip(ip), At(time));
    if (answer.pod != nullptr) {
      return answer.pod->name;
    }
    switch (answer.failure) {
      case LookupFailure::kUnknown:
        return "(unknown)";
      case LookupFailure::kAmbiguous:
        return "(ambiguous)";
      case LookupFailure::kHostNetwork:
        return "(host network)";
      case LookupFailure::kNoBackends:
        return "(no backends)";
      case LookupFailure::kOwnerPending:
        return "(owner pending)";
    }
    return "";
  });
}

inline std::string WorkloadOf(const Inventory& inventory, unsigned pod_uid) {
  return inventory.Read([&](const InventoryView& view) -> std::string {
    PodFactsPtr pod = view.PodByUid(Uid(pod_uid));
    if (pod == nullptr) {
      return "(unknown)";
    }
    const WorkloadIdentity& identity = *pod->workload.identity;
    std::string kind = identity.owner_kind ? identity.owner_kind->kind : "-";
    return (pod->owner_pending ? "pending " : "") + kind + " " + identity.name;
  });
}

}  // namespace network_mapper
