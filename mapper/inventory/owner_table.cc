#include "mapper/inventory/owner_table.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>

namespace network_mapper {

namespace {

// Owner references are acyclic in practice, not by the API's rules.
constexpr int kMaxWalk = 10;
constexpr std::chrono::seconds kWatchedKindsGrace{3};
constexpr std::chrono::seconds kFirstRetry{5};
constexpr unsigned kMaxDoublings = 6;

bool IsWatched(const GroupVersionKind& kind) {
  constexpr std::array<std::string_view, 4> kApps = {"ReplicaSet", "Deployment", "StatefulSet",
                                                     "DaemonSet"};
  if (kind.group == "apps") {
    return std::find(kApps.begin(), kApps.end(), kind.kind) != kApps.end();
  }
  return kind.group == "batch" && (kind.kind == "Job" || kind.kind == "CronJob");
}

}  // namespace

OwnerTable::Top OwnerTable::Resolve(const OwnerReferencePtr& first) const {
  OwnerReferencePtr current = first;
  for (int step = 0; step < kMaxWalk; ++step) {
    if (!current->uid) {
      return {current, State::kUnreadable};
    }
    auto found = nodes_.find(*current->uid);
    if (found == nodes_.end()) {
      return {current, State::kMissing};
    }
    if (found->second.unreadable) {
      return {current, State::kUnreadable};
    }
    if (found->second.owner == nullptr) {
      return {current, State::kKnown};
    }
    current = found->second.owner;
  }
  return {current, State::kKnown};
}

OwnerTable::Change OwnerTable::Upsert(const OwnerRecord& record, std::optional<ObjectKind> kind,
                                      Time now) {
  auto [found, is_new] = nodes_.try_emplace(record.uid);
  Node& node = found->second;
  OwnerReferencePtr owner = record.owner ? references_.Intern(*record.owner) : nullptr;
  bool changed = node.owner != owner || node.unreadable;
  node.owner = std::move(owner);
  node.unreadable = false;
  node.generation = kind ? Generation(*kind) : 0;
  node.kind = kind;
  node.expires = Time::max();
  if (!kind) {
    ExpireAt(record.uid, node, now + options_.owner_lifetime);
  }
  if (is_new) {
    return Change::kNew;
  }
  return changed ? Change::kChanged : Change::kNone;
}

OwnerTable::Change OwnerTable::MarkUnreadable(const ObjectUid& uid, Time now) {
  auto [found, is_new] = nodes_.try_emplace(uid);
  if (!is_new) {
    // A watch delivered it in the meantime.
    return Change::kNone;
  }
  found->second.unreadable = true;
  ExpireAt(uid, found->second, now + options_.owner_lifetime);
  return Change::kNew;
}

void OwnerTable::Delete(const ObjectUid& uid, Time now) {
  auto found = nodes_.find(uid);
  if (found != nodes_.end()) {
    found->second.kind.reset();
    ExpireAt(uid, found->second, now + options_.history);
  }
}

void OwnerTable::EndReplace(ObjectKind kind, Time now) {
  for (auto& [uid, node] : nodes_) {
    if (node.kind == kind && node.generation < Generation(kind)) {
      node.kind.reset();
      ExpireAt(uid, node, now + options_.history);
    }
  }
}

void OwnerTable::ExpireAt(const ObjectUid& uid, Node& node, Time when) {
  node.expires = when;
  expiring_.emplace_back(when, uid);
}

void OwnerTable::Expire(Time now) {
  while (!expiring_.empty() && expiring_.front().first < now) {
    auto found = nodes_.find(expiring_.front().second);
    if (found != nodes_.end() && found->second.expires < now) {
      nodes_.erase(found);
    }
    expiring_.pop_front();
  }
}

void OwnerTable::Want(const OwnerReference& owner, const PodFacts& pod, Time now) {
  if (!owner.uid) {
    return;
  }
  auto found = wanted_.find(*owner.uid);
  if (found == wanted_.end()) {
    if (wanted_.size() >= options_.max_wanted_owners) {
      return;
    }
    Wanted wanted{{owner, pod.name_space}, now, 0, {}};
    if (IsWatched(owner.kind)) {
      wanted.next_try = now + kWatchedKindsGrace;
    }
    found = wanted_.emplace(*owner.uid, std::move(wanted)).first;
  }
  std::vector<ObjectUid>& pods = found->second.pods;
  if (std::find(pods.begin(), pods.end(), pod.uid) == pods.end()) {
    pods.push_back(pod.uid);
  }
}

std::vector<ObjectUid> OwnerTable::TakeWaiting(const ObjectUid& owner) {
  auto found = wanted_.find(owner);
  if (found == wanted_.end()) {
    return {};
  }
  std::vector<ObjectUid> pods = std::move(found->second.pods);
  wanted_.erase(found);
  return pods;
}

std::vector<OwnerRequest> OwnerTable::TakeWanted(
    Time now, size_t limit, const std::function<bool(const ObjectUid&)>& is_alive) {
  std::vector<OwnerRequest> requests;
  for (auto entry = wanted_.begin(); entry != wanted_.end() && requests.size() < limit;) {
    Wanted& wanted = entry->second;
    if (wanted.next_try > now) {
      ++entry;
      continue;
    }
    std::erase_if(wanted.pods, [&](const ObjectUid& pod) { return !is_alive(pod); });
    if (wanted.pods.empty()) {
      entry = wanted_.erase(entry);
      continue;
    }
    wanted.next_try = now + kFirstRetry * (1U << std::min(wanted.attempts, kMaxDoublings));
    ++wanted.attempts;
    requests.push_back(wanted.request);
    ++entry;
  }
  return requests;
}

}  // namespace network_mapper
