#include "sniffer/procfs/pod_attribution.h"

#include <algorithm>
#include <utility>

namespace network_mapper::sniffer {

void PodAttribution::Update(const NamespaceSnapshot& snapshot) {
  Time scan = snapshot.taken_at;
  for (auto& [address, history] : histories_) {
    for (Ownership& ownership : history) {
      ownership.current = false;
    }
  }
  host_addresses_.clear();
  std::unordered_map<IpAddress, Ownership> seen;
  for (const NetworkNamespace& network_namespace : snapshot.namespaces) {
    if (network_namespace.is_host) {
      // With kube-proxy's IPVS mode also the address of every Service of the cluster.
      host_addresses_.insert(network_namespace.addresses.begin(),
                             network_namespace.addresses.end());
      continue;
    }
    for (const IpAddress& address : network_namespace.addresses) {
      Ownership ownership{.namespace_id = network_namespace.id,
                          .pod_uid = network_namespace.pod_uid,
                          .from = network_namespace.earliest_start,
                          .until = scan,
                          .current = true};
      auto [known, added] = seen.try_emplace(address, ownership);
      if (!added) {
        // Two namespaces claim it at once: nothing is certain.
        known->second.pod_uid.reset();
        known->second.namespace_id = {};
      }
    }
  }
  for (const auto& [address, ownership] : seen) {
    Observe(address, ownership, scan);
  }
  for (auto& [address, history] : histories_) {
    EndMissing(history, scan);
  }
  std::erase_if(histories_, [](const auto& entry) { return entry.second.empty(); });
  last_scan_ = scan;
}

void PodAttribution::Observe(const IpAddress& address, const Ownership& seen, Time scan) {
  History& history = histories_[address];
  if (!history.empty() && history.back().namespace_id == seen.namespace_id &&
      history.back().pod_uid == seen.pod_uid) {
    history.back().until = scan;
    history.back().current = true;
    return;
  }
  Ownership fresh = seen;
  if (!history.empty()) {
    Ownership& previous = history.back();
    // The address cannot have changed hands before the last scan that found the old owner, and the
    // new owner's first process started before it got the address.
    fresh.from = std::max(fresh.from, previous.until);
    bool gap_is_small = fresh.from - previous.until <= options_.largest_gap;
    if (gap_is_small) {
      previous.until = fresh.from;
    }
  }
  history.push_back(fresh);
}

void PodAttribution::EndMissing(History& history, Time scan) const {
  std::erase_if(history, [&](const Ownership& ownership) {
    return !ownership.current && scan - ownership.until > options_.memory;
  });
}

const PodAttribution::Ownership* PodAttribution::Find(const IpAddress& address, Time when) const {
  auto found = histories_.find(address);
  if (found == histories_.end()) {
    return nullptr;
  }
  // Newest first: at the moment of a change the new owner counts.
  for (auto ownership = found->second.rbegin(); ownership != found->second.rend(); ++ownership) {
    bool newest = ownership == found->second.rbegin();
    // A pod that was gone at the next scan is believed to have kept its address a little longer.
    Time end =
        newest && !ownership->current
            ? ownership->until + std::chrono::duration_cast<Time::duration>(options_.largest_gap)
            : ownership->until;
    if (when >= ownership->from && when <= end) {
      return &*ownership;
    }
  }
  return nullptr;
}

std::optional<PodUid> PodAttribution::OwnerAt(const IpAddress& address, Time when) const {
  const Ownership* ownership = Find(address, when);
  return ownership == nullptr ? std::nullopt : ownership->pod_uid;
}

bool PodAttribution::SameOwner(const IpAddress& address, Time first, Time last) const {
  const Ownership* ownership = Find(address, first);
  return ownership != nullptr && ownership == Find(address, last);
}

bool PodAttribution::IsHostAddress(const IpAddress& address) const {
  return host_addresses_.contains(address);
}

}  // namespace network_mapper::sniffer
