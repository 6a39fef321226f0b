#include "mapper/inventory/service_store.h"

#include <algorithm>
#include <utility>

namespace network_mapper {

namespace {

// A pod serves before the slice that says so has arrived.
constexpr std::chrono::seconds kReadinessLag{5};
constexpr size_t kMaxBackendPorts = 100;

bool ListensOn(const ServiceEntry& service, uint16_t port) {
  return std::any_of(service.ports.begin(), service.ports.end(),
                     [&](const ServicePort& p) { return p.port == port; });
}

const ServiceFactsPtr& FactsOf(const ServiceEntry& service) {
  return service.facts != nullptr ? service.facts : service.last_facts;
}

}  // namespace

ServiceEntryPtr ServiceStore::EntryOf(ObjectNameView name) {
  auto found = services_.find(name);
  if (found != services_.end()) {
    return found->second;
  }
  auto service = std::make_shared<ServiceEntry>();
  service->name = {std::string(name.name_space), std::string(name.name)};
  services_.emplace(service->name, service);
  return service;
}

void ServiceStore::Upsert(ServiceRecord record, Time now) {
  ServiceEntryPtr service = EntryOf({record.name_space, record.name});
  bool is_new = service->facts == nullptr;
  service_count_ += is_new ? 1 : 0;
  UpdateAddresses(service, record, is_new ? record.created : now, now);
  UpdateNodePorts(service, record.ports);
  service->ports = std::move(record.ports);
  service->generation = service_generation_;
  ServiceFacts facts{std::move(record.name), std::move(record.name_space),
                     std::move(record.type), std::move(record.cluster_ips),
                     record.headless,        std::move(record.external_name)};
  service->facts = std::make_shared<const ServiceFacts>(std::move(facts));
  service->last_facts = nullptr;
  service->gone_at.reset();
}

void ServiceStore::UpdateAddresses(const ServiceEntryPtr& service, const ServiceRecord& record,
                                   Time from, Time now) {
  std::vector<IpAddress> addresses = record.cluster_ips;
  for (const IpAddress& address : record.external_ips) {
    if (!Contains(addresses, address)) {
      addresses.push_back(address);
    }
  }
  for (const IpAddress& address : service->addresses) {
    if (!Contains(addresses, address)) {
      CloseClaim(address, service, now);
    }
  }
  for (const IpAddress& address : addresses) {
    if (!Contains(service->addresses, address)) {
      by_ip_[address].push_back({service, Contains(record.cluster_ips, address), from});
    }
  }
  service->addresses = std::move(addresses);
}

void ServiceStore::CloseClaim(const IpAddress& address, const ServiceEntryPtr& service, Time now) {
  auto found = by_ip_.find(address);
  if (found == by_ip_.end()) {
    return;
  }
  for (Claim& claim : found->second) {
    if (claim.service == service && claim.until == Time::max()) {
      claim.until = now;
    }
  }
  closings_.push_back({now, service, address});
}

void ServiceStore::UpdateNodePorts(const ServiceEntryPtr& service,
                                   const std::vector<ServicePort>& ports) {
  for (const ServicePort& port : service->ports) {
    if (port.node_port) {
      auto found = by_node_port_.find({*port.node_port, port.protocol});
      if (found != by_node_port_.end()) {
        std::erase(found->second, service);
        if (found->second.empty()) {
          by_node_port_.erase(found);
        }
      }
    }
  }
  for (const ServicePort& port : ports) {
    if (port.node_port) {
      by_node_port_[{*port.node_port, port.protocol}].push_back(service);
    }
  }
}

void ServiceStore::Delete(ObjectNameView name, Time now) {
  auto found = services_.find(name);
  if (found != services_.end() && found->second->facts != nullptr) {
    ServiceEntryPtr service = found->second;
    MarkGone(service, now);
  }
}

void ServiceStore::MarkGone(const ServiceEntryPtr& service, Time now) {
  for (const IpAddress& address : service->addresses) {
    CloseClaim(address, service, now);
  }
  service->addresses.clear();
  UpdateNodePorts(service, {});
  service->ports.clear();
  service->last_facts = std::move(service->facts);
  service->facts = nullptr;
  service->gone_at = now;
  --service_count_;
  closings_.push_back({now, service, std::nullopt});
}

void ServiceStore::UpsertSlice(const EndpointSliceRecord& record, Time now) {
  ServiceEntryPtr service =
      record.service_name.empty() ? nullptr : EntryOf({record.name_space, record.service_name});
  Slice& slice = slices_[record.uid];
  if (slice.service != nullptr && slice.service != service) {
    CloseBackends(slice.service, record.uid, now);
  }
  slice.service = service;
  slice.generation = slice_generation_;
  if (service == nullptr) {
    return;
  }
  for (uint16_t port : record.ports) {
    bool known = std::find(service->backend_ports.begin(), service->backend_ports.end(), port) !=
                 service->backend_ports.end();
    if (!known && service->backend_ports.size() < kMaxBackendPorts) {
      service->backend_ports.push_back(port);
    }
  }
  bool first_sight = !slices_listed_ || service->backends.empty();
  UpdateBackends(service, record, first_sight ? Time{} : now - kReadinessLag, now);
}

void ServiceStore::UpdateBackends(const ServiceEntryPtr& service, const EndpointSliceRecord& record,
                                  Time from, Time now) {
  std::vector<bool> matched(record.endpoints.size(), false);
  bool changed = false;
  for (Backend& backend : service->backends) {
    if (backend.slice != record.uid || backend.until != Time::max()) {
      continue;
    }
    size_t i = 0;
    while (i < record.endpoints.size() &&
           (matched[i] || record.endpoints[i].address != backend.address ||
            record.endpoints[i].pod != backend.pod)) {
      ++i;
    }
    if (i < record.endpoints.size()) {
      matched[i] = true;
    } else {
      backend.until = now;
      closings_.push_back({now, service, std::nullopt});
      changed = true;
    }
  }
  for (size_t i = 0; i < record.endpoints.size(); ++i) {
    if (matched[i]) {
      continue;
    }
    const SliceEndpoint& endpoint = record.endpoints[i];
    Backend backend{endpoint.address, endpoint.pod, nullptr, record.uid, from};
    if (!endpoint.hostname.empty()) {
      backend.hostname = std::make_shared<const std::string>(endpoint.hostname);
    }
    service->backends.push_back(std::move(backend));
    changed = true;
  }
  if (changed) {
    service->backends_changed = now;
    service->cache.With([](BackendCache& cache) { cache.epoch = 0; });
  }
}

void ServiceStore::CloseBackends(const ServiceEntryPtr& service, const ObjectUid& slice, Time now) {
  for (Backend& backend : service->backends) {
    if (backend.slice == slice && backend.until == Time::max()) {
      backend.until = now;
    }
  }
  service->backends_changed = now;
  service->cache.With([](BackendCache& cache) { cache.epoch = 0; });
  closings_.push_back({now, service, std::nullopt});
}

void ServiceStore::DeleteSlice(const ObjectUid& uid, Time now) {
  auto found = slices_.find(uid);
  if (found == slices_.end()) {
    return;
  }
  if (found->second.service != nullptr) {
    CloseBackends(found->second.service, uid, now);
  }
  slices_.erase(found);
}

void ServiceStore::EndReplaceServices(Time now) {
  std::vector<ServiceEntryPtr> vanished;
  for (const auto& [name, service] : services_) {
    if (service->facts != nullptr && service->generation < service_generation_) {
      vanished.push_back(service);
    }
  }
  for (const ServiceEntryPtr& service : vanished) {
    MarkGone(service, now);
  }
}

void ServiceStore::EndReplaceSlices(Time now) {
  std::vector<ObjectUid> vanished;
  for (const auto& [uid, slice] : slices_) {
    if (slice.generation < slice_generation_) {
      vanished.push_back(uid);
    }
  }
  for (const ObjectUid& uid : vanished) {
    DeleteSlice(uid, now);
  }
  slices_listed_ = true;
}

void ServiceStore::Tick(Time now) {
  Time before = now - options_.history;
  while (!closings_.empty() &&
         (closings_.front().at < before || closings_.size() > options_.max_remembered)) {
    Closing closing = std::move(closings_.front());
    closings_.pop_front();
    Forget(closing);
  }
}

void ServiceStore::ForgetClaims(const Closing& closing) {
  auto claims = by_ip_.find(*closing.address);
  if (claims == by_ip_.end()) {
    return;
  }
  std::erase_if(claims->second, [&](const Claim& claim) {
    return claim.service == closing.service && claim.until <= closing.at;
  });
  if (claims->second.empty()) {
    by_ip_.erase(claims);
  }
}

void ServiceStore::Forget(const Closing& closing) {
  if (closing.address) {
    ForgetClaims(closing);
    return;
  }
  ServiceEntry& service = *closing.service;
  std::erase_if(service.backends,
                [&](const Backend& backend) { return backend.until <= closing.at; });
  if (service.facts != nullptr) {
    return;
  }
  if (service.gone_at && *service.gone_at <= closing.at) {
    service.last_facts = nullptr;
  }
  auto named = services_.find(service.name.View());
  if (service.last_facts == nullptr && service.backends.empty() && named != services_.end() &&
      named->second == closing.service) {
    services_.erase(named);
  }
}

const ServiceEntry* ServiceStore::Find(ObjectNameView name) const {
  auto found = services_.find(name);
  return found == services_.end() ? nullptr : found->second.get();
}

ServiceFactsPtr ServiceStore::ByName(ObjectNameView name) const {
  const ServiceEntry* service = Find(name);
  return service == nullptr ? nullptr : FactsOf(*service);
}

ServiceFactsPtr ServiceStore::ByIp(const IpAddress& address, std::optional<uint16_t> port,
                                   Time time) const {
  auto found = by_ip_.find(address);
  if (found == by_ip_.end()) {
    return nullptr;
  }
  const Claim* only = nullptr;
  const Claim* listening = nullptr;
  size_t claims = 0;
  size_t listeners = 0;
  for (const Claim& claim : found->second) {
    if (time < claim.from - options_.clock_skew || time >= claim.until) {
      continue;
    }
    if (claim.is_cluster_ip) {
      return FactsOf(*claim.service);
    }
    only = &claim;
    ++claims;
    if (port && ListensOn(*claim.service, *port)) {
      listening = &claim;
      ++listeners;
    }
  }
  if (claims == 1) {
    return FactsOf(*only->service);
  }
  return listeners == 1 ? FactsOf(*listening->service) : nullptr;
}

ServiceFactsPtr ServiceStore::ByNodePort(uint16_t port, Protocol protocol) const {
  auto found = by_node_port_.find({port, protocol});
  return found == by_node_port_.end() ? nullptr : found->second.front()->facts;
}

}  // namespace network_mapper
