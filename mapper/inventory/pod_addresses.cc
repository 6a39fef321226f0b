// The part of PodStore that follows addresses: when a pod's tenure of an address, or of
// a port of its node, begins and ends, and where host-network pods are. The rules are stated in
// address_history.h.
#include <algorithm>
#include <utility>

#include "mapper/inventory/pod_store.h"

namespace network_mapper {

namespace {

constexpr std::chrono::seconds kSecond{1};
// A finishedAt further in the future than this is no clock skew.
constexpr std::chrono::minutes kMostSkew{10};

bool HasEnded(const PodRecord& record) {
  if (record.phase == PodPhase::kSucceeded || record.phase == PodPhase::kFailed) {
    return true;
  }
  return record.terminating_since && !record.has_live_container && record.last_container_finished;
}

// Whether an address of the same family stays: then the new one was only reported later.
bool FamilyStays(const IpAddress& address, const std::vector<IpAddress>& before,
                 const std::vector<IpAddress>& now) {
  return std::any_of(before.begin(), before.end(), [&](const IpAddress& old) {
    return old.IsV4() != address.IsV4() && Contains(now, old);
  });
}

Time EarliestTenure(const PodRecord& record) {
  return record.started.value_or(record.created);
}

// Of a pod that has not ended.
Tenure LivingTenure(const PodEntryPtr& pod, const PodRecord& record, Time now) {
  Tenure tenure{pod, EarliestTenure(record), now};
  if (record.first_container_started) {
    tenure.sure_from = std::min(now, *record.first_container_started + kSecond);
  }
  tenure.sure_from = std::max(tenure.sure_from, tenure.from);
  tenure.sure_until = record.terminating_since.value_or(Tenure::kOpen);
  return tenure;
}

// The network plugin gives a pod its ports on the node together with its addresses.
const std::vector<HostPort>& ForwardedPorts(const PodRecord& record) {
  static const std::vector<HostPort> none;
  return record.ips.empty() ? none : record.host_ports;
}

template <typename Key>
void End(TenureHistory<Key>& history, const Tenure& tenure, std::vector<Key>& held, Time now) {
  for (const Key& key : held) {
    history.Close(key, *tenure.pod, tenure.sure_until, tenure.until, now);
  }
  held.clear();
}

// What the pod shows that it held, although it had ended when it was first seen.
template <typename Key>
void AddEnded(TenureHistory<Key>& history, const Tenure& tenure, const std::vector<Key>& shown,
              Time now) {
  for (const Key& key : shown) {
    if (!history.Remembers(key, *tenure.pod)) {
      history.AddClosed(key, tenure, now);
    }
  }
}

}  // namespace

void PodStore::UpdateAddresses(const PodEntryPtr& pod, const PodRecord& record, Time now) {
  if (HasEnded(record)) {
    EndTenures(pod, record, now);
    return;
  }
  for (const IpAddress& address : pod->addresses) {
    if (!Contains(record.ips, address)) {
      addresses_.Close(address, *pod, pod->last_arrival, now, now);
    }
  }
  for (const IpAddress& address : record.ips) {
    Tenure tenure = LivingTenure(pod, record, now);
    bool moved = pod->had_address && !Contains(pod->addresses, address) &&
                 !FamilyStays(address, pod->addresses, record.ips);
    if (moved) {
      // Its sandbox was made anew: it did not hold this address when it was last heard of.
      tenure.from = std::max(tenure.from, pod->last_arrival);
      tenure.sure_from = std::max(tenure.from, now);
    }
    addresses_.Open(address, tenure);
  }
  pod->had_address = pod->had_address || !record.ips.empty();
  pod->addresses = record.ips;
  UpdateHostPorts(pod, record, now);
}

void PodStore::UpdateHostPorts(const PodEntryPtr& pod, const PodRecord& record, Time now) {
  const std::vector<HostPort>& ports = ForwardedPorts(record);
  for (const HostPort& port : pod->host_ports) {
    if (!Contains(ports, port)) {
      host_ports_.Close(port, *pod, pod->last_arrival, now, now);
    }
  }
  for (const HostPort& port : ports) {
    host_ports_.Open(port, LivingTenure(pod, record, now));
  }
  pod->host_ports = ports;
}

void PodStore::EndTenures(const PodEntryPtr& pod, const PodRecord& record, Time now) {
  Time earliest = EarliestTenure(record);
  Tenure tenure{pod, earliest, earliest};
  tenure.sure_until = pod->had_address ? pod->last_arrival : earliest;
  tenure.sure_until =
      std::min(tenure.sure_until, record.terminating_since.value_or(tenure.sure_until));
  tenure.until = now;
  if (record.last_container_finished && *record.last_container_finished >= earliest) {
    tenure.sure_until = *record.last_container_finished;
    tenure.until = std::min(tenure.sure_until + kSecond, now + kMostSkew);
  }
  if (record.first_container_started) {
    tenure.sure_from = std::max(earliest, *record.first_container_started + kSecond);
  }
  End(addresses_, tenure, pod->addresses, now);
  End(host_ports_, tenure, pod->host_ports, now);
  if (tenure.until + options_.history < now) {
    return;
  }
  AddEnded(addresses_, tenure, record.ips, now);
  AddEnded(host_ports_, tenure, ForwardedPorts(record), now);
  pod->had_address = pod->had_address || !record.ips.empty();
}

void PodStore::UpdateHostNetwork(const PodEntryPtr& pod, const PodRecord& record) {
  pod->container_ports = record.container_ports;
  std::vector<IpAddress> addresses = record.host_ips;
  for (const IpAddress& address : record.ips) {
    if (!Contains(addresses, address)) {
      addresses.push_back(address);
    }
  }
  for (const IpAddress& address : pod->addresses) {
    if (!Contains(addresses, address)) {
      RemoveFromHost(address, pod);
    }
  }
  bool ended = HasEnded(record);
  for (const IpAddress& address : addresses) {
    if (ended) {
      RemoveFromHost(address, pod);
      continue;
    }
    std::vector<PodEntryPtr>& pods = host_network_[address];
    if (std::find(pods.begin(), pods.end(), pod) == pods.end()) {
      pods.push_back(pod);
    }
  }
  pod->addresses = ended ? std::vector<IpAddress>() : std::move(addresses);
}

void PodStore::RemoveFromHost(const IpAddress& address, const PodEntryPtr& pod) {
  auto found = host_network_.find(address);
  if (found == host_network_.end()) {
    return;
  }
  std::erase(found->second, pod);
  if (found->second.empty()) {
    host_network_.erase(found);
  }
}

void PodStore::MarkGone(const PodEntryPtr& pod, Time sure_until, Time now) {
  sure_until = std::min(sure_until, pod->terminating_since.value_or(sure_until));
  for (const IpAddress& address : pod->addresses) {
    if (pod->facts->host_network) {
      RemoveFromHost(address, pod);
    } else {
      addresses_.Close(address, *pod, sure_until, now, now);
    }
  }
  pod->addresses.clear();
  for (const HostPort& port : pod->host_ports) {
    host_ports_.Close(port, *pod, sure_until, now, now);
  }
  pod->host_ports.clear();
  pod->gone = true;
  if (pod->mesh_proxy != nullptr) {
    mesh_proxies_.erase(pod->facts->uid);
  }
  gone_.push_back({now, pod});
}

void PodStore::Forget(const PodEntryPtr& pod) {
  RemoveCanonicalName(pod);
  by_owner_name_.Remove({pod->facts->name_space, pod->owner_name}, pod);
  by_uid_.erase(pod->facts->uid);
  pending_.erase(pod->facts->uid);
  if (pod->config_hash) {
    auto hashed = by_config_hash_.find(*pod->config_hash);
    if (hashed != by_config_hash_.end() && hashed->second == pod) {
      by_config_hash_.erase(hashed);
    }
  }
  auto named = by_name_.find(ObjectNameView{pod->facts->name_space, pod->facts->name});
  if (named != by_name_.end() && named->second == pod) {
    by_name_.erase(named);
  }
}

std::vector<PodFactsPtr> PodStore::HostNetworkPods(const IpAddress& node,
                                                   std::optional<uint16_t> port) const {
  std::vector<PodFactsPtr> result;
  auto found = host_network_.find(node);
  if (found == host_network_.end()) {
    return result;
  }
  for (const PodEntryPtr& pod : found->second) {
    const std::vector<uint16_t>& ports = pod->container_ports;
    if (!port || std::find(ports.begin(), ports.end(), *port) != ports.end()) {
      result.push_back(pod->facts);
    }
  }
  return result;
}

}  // namespace network_mapper
