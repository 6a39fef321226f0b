#include "mapper/inventory/pod_store.h"

#include <algorithm>
#include <utility>

#include "mapper/inventory/workload_naming.h"

namespace network_mapper {

namespace {

constexpr std::string_view kCanonicalNameLabel = "service.istio.io/canonical-name";

bool IsJob(const OwnerReference& owner) {
  return owner.kind.kind == "Job" && owner.kind.group == "batch";
}

bool IsNode(const OwnerReference& owner) {
  return owner.kind.kind == "Node" && owner.kind.group.empty();
}

// What the pod's workload is called after its owner alone; of a pod without one, its own name.
std::string OwnerName(const PodRecord& record, const Labels& labels) {
  if (!record.owner || IsNode(*record.owner)) {
    return record.name;
  }
  return LikelyOwner(*record.owner, labels, record.created).value_or(*record.owner).name;
}

}  // namespace

PodStore::PodStore(const InventoryOptions& options)
    : options_(options),
      owners_(options),
      addresses_({options.history, options.clock_skew, options.max_remembered}),
      host_ports_({options.history, options.clock_skew, options.max_remembered}) {}

void PodStore::Upsert(PodRecord record, Time now) {
  PodEntryPtr pod = EntryOf(record);
  if (pod->facts != nullptr) {
    RemoveCanonicalName(pod);
  }
  UpdateFacts(*pod, record, now);
  UpdateIndexes(pod, record);
  pod->terminating_since = record.terminating_since;
  if (record.host_network) {
    UpdateHostNetwork(pod, record);
  } else {
    UpdateAddresses(pod, record, now);
  }
  UpdateMeshProxy(pod, record);
  pod->last_arrival = now;
  pod->generation = generation_;
  last_event_ = now;
}

void PodStore::Delete(PodRecord last_state, Time now) {
  PodUid uid = last_state.uid;
  Upsert(std::move(last_state), now);
  MarkGone(by_uid_.at(uid), now, now);
}

void PodStore::BeginReplace() {
  ++generation_;
  last_event_before_list_ = last_event_;
}

void PodStore::EndReplace(Time now) {
  std::vector<PodEntryPtr> vanished;
  for (const auto& [uid, pod] : by_uid_) {
    if (!pod->gone && pod->generation < generation_) {
      vanished.push_back(pod);
    }
  }
  for (const PodEntryPtr& pod : vanished) {
    MarkGone(pod, last_event_before_list_, now);
  }
  last_event_ = now;
}

void PodStore::Tick(Time now) {
  addresses_.Expire(now);
  host_ports_.Expire(now);
  owners_.Expire(now);
  while (!gone_.empty() &&
         (gone_.front().at + options_.history < now || gone_.size() > options_.max_remembered)) {
    PodEntryPtr pod = std::move(gone_.front().pod);
    gone_.pop_front();
    Forget(pod);
  }
  for (auto waiting = pending_.begin(); waiting != pending_.end();) {
    auto [uid, since] = *waiting;
    if (now - since < options_.owner_wait) {
      ++waiting;
      continue;
    }
    waiting = pending_.erase(waiting);
    PodEntryPtr pod = FindByUid(uid);
    if (pod != nullptr && pod->owner != nullptr) {
      PodFacts facts = *pod->facts;
      Identity identity = IdentityOf(*pod, facts, now, /*may_wait=*/false);
      SetIdentity(*pod, std::move(facts), std::move(identity));
    }
  }
}

PodEntryPtr PodStore::EntryOf(const PodRecord& record) {
  auto [found, is_new] = by_uid_.try_emplace(record.uid);
  PodEntryPtr& entry = found->second;
  if (is_new) {
    entry = std::make_shared<PodEntry>();
  } else if (entry->gone) {
    // Told gone too early, by a list that was older than the last event.
    std::erase_if(gone_, [&entry](const Gone& gone) { return gone.pod == entry; });
    entry->gone = false;
  }
  return entry;
}

void PodStore::UpdateFacts(PodEntry& pod, PodRecord& record, Time now) {
  PodFacts facts;
  facts.name = record.name;
  facts.name_space = record.name_space;
  facts.uid = record.uid;
  facts.host_network = record.host_network;
  facts.created = record.created;
  facts.node = record.node_name.empty() ? nullptr : nodes_.Intern(record.node_name);
  facts.workload.labels = labels_.Intern(std::move(record.labels));
  Identity identity;
  OwnerReferencePtr owner;
  if (record.workload_override) {
    identity.value = {*record.workload_override, record.name_space, std::nullopt, true};
  } else if (!record.owner || IsNode(*record.owner)) {
    std::string name =
        record.owner ? StaticPodName(record.name, record.node_name.empty() ? record.owner->name
                                                                           : record.node_name)
                     : record.name;
    identity.value = {NameOnTheWire(name), record.name_space, GroupVersionKind{"", "v1", "Pod"},
                      false};
  } else {
    owner = owners_.Intern(*record.owner);
    pod.image_name = options_.use_image_name_for_jobs && IsJob(*owner) ? NameOfImages(record.images)
                                                                       : std::string();
  }
  bool same_owner = pod.facts != nullptr && pod.owner == owner && owner != nullptr;
  pod.owner = owner;
  if (owner != nullptr) {
    auto since = pending_.find(record.uid);
    bool may_wait = since == pending_.end() || now - since->second < options_.owner_wait;
    bool named_before = same_owner && !pod.facts->owner_pending;
    identity = IdentityOf(pod, facts, now, may_wait && !named_before);
    if (named_before && owners_.Resolve(owner).state == OwnerTable::State::kMissing) {
      // The owner was known and has been forgotten meanwhile: its name stands until it is known
      // again.
      identity = {*pod.facts->workload.identity, false};
    }
  }
  if (owner == nullptr) {
    pending_.erase(record.uid);
  }
  SetIdentity(pod, std::move(facts), std::move(identity));
}

PodStore::Identity PodStore::IdentityOf(const PodEntry& pod, const PodFacts& facts, Time now,
                                        bool may_wait) {
  OwnerTable::Top top = owners_.Resolve(pod.owner);
  Identity identity;
  if (top.state == OwnerTable::State::kMissing) {
    owners_.Want(*top.owner, facts, now);
    identity.pending = may_wait;
    if (may_wait) {
      pending_.try_emplace(facts.uid, now);
    }
  } else {
    pending_.erase(facts.uid);
  }
  OwnerReference owner = *top.owner;
  if (top.state != OwnerTable::State::kKnown) {
    owner = LikelyOwner(owner, *facts.workload.labels, facts.created).value_or(owner);
  }
  if (IsJob(owner) && !pod.image_name.empty()) {
    identity.value = {pod.image_name, facts.name_space, std::nullopt, false};
  } else {
    identity.value = {NameOnTheWire(owner.name), facts.name_space, owner.kind, false};
  }
  return identity;
}

void PodStore::SetIdentity(PodEntry& pod, PodFacts facts, Identity identity) {
  facts.workload.identity = identities_.Intern(std::move(identity.value));
  facts.owner_pending = identity.pending;
  const PodFacts* known = pod.facts.get();
  if (known != nullptr && known->workload.identity == facts.workload.identity &&
      known->workload.labels == facts.workload.labels && known->node == facts.node &&
      known->owner_pending == facts.owner_pending) {
    return;
  }
  pod.facts = std::make_shared<const PodFacts>(std::move(facts));
  ++epoch_;
}

void PodStore::UpsertOwner(const OwnerRecord& record, std::optional<ObjectKind> kind, Time now) {
  OwnerTable::Change change = owners_.Upsert(record, kind, now);
  RebuildWaiting(owners_.TakeWaiting(record.uid), now);
  if (change == OwnerTable::Change::kChanged) {
    RebuildAll(now);
  }
}

void PodStore::MarkOwnerUnreadable(const ObjectUid& uid, Time now) {
  owners_.MarkUnreadable(uid, now);
  RebuildWaiting(owners_.TakeWaiting(uid), now);
}

void PodStore::RebuildWaiting(const std::vector<ObjectUid>& pods, Time now) {
  for (const ObjectUid& uid : pods) {
    PodEntryPtr pod = FindByUid(uid);
    if (pod != nullptr && pod->owner != nullptr) {
      PodFacts facts = *pod->facts;
      Identity identity = IdentityOf(*pod, facts, now, facts.owner_pending);
      SetIdentity(*pod, std::move(facts), std::move(identity));
    }
  }
}

void PodStore::RebuildAll(Time now) {
  for (const auto& [uid, pod] : by_uid_) {
    if (pod->owner != nullptr && !pod->gone &&
        owners_.Resolve(pod->owner).state != OwnerTable::State::kMissing) {
      PodFacts facts = *pod->facts;
      Identity identity = IdentityOf(*pod, facts, now, /*may_wait=*/false);
      SetIdentity(*pod, std::move(facts), std::move(identity));
    }
  }
}

std::vector<OwnerRequest> PodStore::TakeWantedOwners(Time now, size_t limit) {
  return owners_.TakeWanted(now, limit, [&](const ObjectUid& uid) {
    auto found = by_uid_.find(uid);
    return found != by_uid_.end();
  });
}

void PodStore::RemoveCanonicalName(const PodEntryPtr& pod) {
  const std::string* label = FindLabel(*pod->facts->workload.labels, kCanonicalNameLabel);
  if (label == nullptr) {
    return;
  }
  by_canonical_name_.Remove({pod->facts->name_space, *label}, pod);
}

// Known without a look at the owners: that is how a mesh names a workload, too.
void PodStore::UpdateOwnerName(const PodEntryPtr& pod, const PodRecord& record) {
  const PodFacts& facts = *pod->facts;
  std::string name = OwnerName(record, *facts.workload.labels);
  if (name != pod->owner_name) {
    by_owner_name_.Remove({facts.name_space, pod->owner_name}, pod);
    by_owner_name_.Add({facts.name_space, name}, pod);
    pod->owner_name = std::move(name);
  }
}

void PodStore::UpdateIndexes(const PodEntryPtr& pod, const PodRecord& record) {
  const PodFacts& facts = *pod->facts;
  ObjectName name{facts.name_space, facts.name};
  PodEntryPtr& named = by_name_[name];
  if (named == nullptr || named->gone || named->facts->created <= facts.created) {
    named = pod;
  }
  if (record.config_hash) {
    pod->config_hash = record.config_hash;
    by_config_hash_[*record.config_hash] = pod;
  }
  if (const std::string* label = FindLabel(*facts.workload.labels, kCanonicalNameLabel)) {
    by_canonical_name_.Add({facts.name_space, *label}, pod);
  }
  UpdateOwnerName(pod, record);
}

void PodStore::UpdateMeshProxy(const PodEntryPtr& pod, const PodRecord& record) {
  if (!record.mesh_proxy) {
    if (std::exchange(pod->mesh_proxy, nullptr) != nullptr) {
      mesh_proxies_.erase(pod->facts->uid);
    }
    return;
  }
  pod->mesh_proxy = std::make_unique<const MeshProxy>(*record.mesh_proxy);
  mesh_proxies_[pod->facts->uid] = pod;
}

std::vector<MeshProxyFacts> PodStore::MeshProxies() const {
  std::vector<MeshProxyFacts> proxies;
  proxies.reserve(mesh_proxies_.size());
  for (const auto& [uid, pod] : mesh_proxies_) {
    if (!pod->addresses.empty()) {
      proxies.push_back({pod->facts, pod->owner_name, *pod->mesh_proxy, pod->addresses.front()});
    }
  }
  return proxies;
}

PodEntryPtr PodStore::FindByUid(const PodUid& uid) const {
  auto found = by_uid_.find(uid);
  if (found != by_uid_.end()) {
    return found->second;
  }
  auto hashed = by_config_hash_.find(uid);
  return hashed == by_config_hash_.end() ? nullptr : hashed->second;
}

PodFactsPtr PodStore::ByName(ObjectNameView name) const {
  auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second->facts;
}

}  // namespace network_mapper
