// Services and what stands behind them (EndpointSlices), with their past. Not thread-safe for
// writers; reads no clock.
//
// An endpoint counts from the moment its slice was seen with it, less kReadinessLag; endpoints that
// came with the first sight of the service count from the beginning (the mapper may have started
// later than they did). It counts until its slice was seen without it.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/concurrency/guarded.h"
#include "mapper/inventory/inventory.h"
#include "mapper/inventory/inventory_options.h"
#include "mapper/inventory/object_name.h"
#include "mapper/inventory/records.h"

namespace network_mapper {

struct Backend {
  IpAddress address;
  std::optional<ObjectUid> pod;
  // Null when the endpoint has none.
  std::shared_ptr<const std::string> hostname;
  ObjectUid slice;
  Time from;
  Time until = Time::max();

  bool HeldAt(Time time) const { return from <= time && time < until; }
};

// The answer for every time from ServiceEntry::backends_changed on, while no pod's workload
// changes.
struct BackendCache {
  // PodStore::Epoch; 0: nothing is cached.
  uint64_t epoch = 0;
  ServiceBackends backends;
};

struct ServiceEntry {
  ObjectName name;
  // Null while only slices of it were seen, and after it was deleted.
  ServiceFactsPtr facts;
  // What it was before it was deleted.
  ServiceFactsPtr last_facts;
  std::optional<Time> gone_at;
  std::vector<IpAddress> addresses;
  std::vector<ServicePort> ports;
  std::vector<Backend> backends;
  // On which ports backends listen or listened.
  std::vector<uint16_t> backend_ports;
  // When `backends` changed last.
  Time backends_changed{};
  uint64_t generation = 0;
  // Filled by readers.
  mutable Guarded<BackendCache> cache;
};

using ServiceEntryPtr = std::shared_ptr<ServiceEntry>;

class ServiceStore {
 public:
  explicit ServiceStore(const InventoryOptions& options) : options_(options) {}

  void Upsert(ServiceRecord record, Time now);
  void Delete(ObjectNameView name, Time now);
  void UpsertSlice(const EndpointSliceRecord& record, Time now);
  void DeleteSlice(const ObjectUid& uid, Time now);

  void BeginReplaceServices() { ++service_generation_; }

  void BeginReplaceSlices() { ++slice_generation_; }

  void EndReplaceServices(Time now);
  void EndReplaceSlices(Time now);
  void Tick(Time now);

  const ServiceEntry* Find(ObjectNameView name) const;
  ServiceFactsPtr ByName(ObjectNameView name) const;
  ServiceFactsPtr ByIp(const IpAddress& address, std::optional<uint16_t> port, Time time) const;
  ServiceFactsPtr ByNodePort(uint16_t port, Protocol protocol) const;

  size_t ServiceCount() const { return service_count_; }

  size_t SliceCount() const { return slices_.size(); }

 private:
  // An address that a service has or had.
  struct Claim {
    ServiceEntryPtr service;
    bool is_cluster_ip = false;
    Time from;
    Time until = Time::max();
  };

  struct Slice {
    ServiceEntryPtr service;
    uint64_t generation = 0;
  };

  // Something of this service ended: an address, a backend or all of it.
  struct Closing {
    Time at;
    ServiceEntryPtr service;
    std::optional<IpAddress> address;
  };

  ServiceEntryPtr EntryOf(ObjectNameView name);
  void UpdateAddresses(const ServiceEntryPtr& service, const ServiceRecord& record, Time from,
                       Time now);
  void UpdateNodePorts(const ServiceEntryPtr& service, const std::vector<ServicePort>& ports);
  void CloseClaim(const IpAddress& address, const ServiceEntryPtr& service, Time now);
  void UpdateBackends(const ServiceEntryPtr& service, const EndpointSliceRecord& record, Time from,
                      Time now);
  void CloseBackends(const ServiceEntryPtr& service, const ObjectUid& slice, Time now);
  void MarkGone(const ServiceEntryPtr& service, Time now);
  void Forget(const Closing& closing);
  void ForgetClaims(const Closing& closing);

  InventoryOptions options_;
  std::unordered_map<ObjectName, ServiceEntryPtr, ObjectNameHash, ObjectNameEqual> services_;
  std::unordered_map<ObjectUid, Slice> slices_;
  std::unordered_map<IpAddress, std::vector<Claim>> by_ip_;
  std::map<std::pair<uint16_t, Protocol>, std::vector<ServiceEntryPtr>> by_node_port_;
  std::deque<Closing> closings_;
  size_t service_count_ = 0;
  // The first list of slices is complete.
  bool slices_listed_ = false;
  uint64_t service_generation_ = 1;
  uint64_t slice_generation_ = 1;
};

}  // namespace network_mapper
