#include "mapper/intents/intent_store.h"

#include <algorithm>
#include <compare>
#include <iterator>
#include <list>
#include <map>
#include <set>
#include <thread>
#include <unordered_map>
#include <unordered_set>

#include "mapper/intents/intent_merge.h"

namespace network_mapper {
namespace {

// What makes two sightings the same intent.
struct IntentKey {
  const WorkloadIdentity& client;
  const WorkloadIdentity& server;
  std::optional<IntentType> type;
};

IntentKey KeyOf(const Intent& intent) {
  return {*intent.client.identity, *intent.server.identity, intent.type};
}

bool SameName(const WorkloadIdentity& a, const WorkloadIdentity& b) {
  return &a == &b || (a.name == b.name && a.name_space == b.name_space);
}

// Orders as the byte strings "namespace/name", which is not the order of the pairs: "-" comes
// before "/".
std::strong_ordering CompareJoined(const WorkloadIdentity& a, const WorkloadIdentity& b) {
  if (a.name_space == b.name_space) {
    return a.name.compare(b.name) <=> 0;
  }
  const size_t shorter = std::min(a.name_space.size(), b.name_space.size());
  if (int common = a.name_space.compare(0, shorter, b.name_space, 0, shorter); common != 0) {
    return common <=> 0;
  }
  return (a.name_space + "/" + a.name).compare(b.name_space + "/" + b.name) <=> 0;
}

// Not noexcept: libstdc++ then keeps each element's hash beside it, which spares a look into the
// strings of every neighbour.
struct KeyHash {
  using is_transparent = void;

  size_t operator()(const IntentKey& key) const {
    size_t hash = key.type.has_value() ? static_cast<size_t>(*key.type) + 1 : 0;
    for (const WorkloadIdentity* identity : {&key.client, &key.server}) {
      hash = hash * 0x9E3779B97F4A7C15ULL + SharedValueHash()(*identity);
    }
    return hash;
  }

  size_t operator()(const Intent* intent) const { return (*this)(KeyOf(*intent)); }
};

struct KeyEqual {
  using is_transparent = void;

  bool operator()(const IntentKey& a, const Intent* b) const {
    return a.type == b->type && SameName(a.client, *b->client.identity) &&
           SameName(a.server, *b->server.identity);
  }

  bool operator()(const Intent* a, const IntentKey& b) const { return (*this)(b, a); }

  bool operator()(const Intent* a, const Intent* b) const { return (*this)(KeyOf(*a), b); }
};

struct VisitOrder {
  bool operator()(const std::unique_ptr<Intent>& a, const std::unique_ptr<Intent>& b) const {
    std::strong_ordering order = CompareJoined(*a->client.identity, *b->client.identity);
    if (order == std::strong_ordering::equal) {
      order = CompareJoined(*a->server.identity, *b->server.identity);
    }
    return order == std::strong_ordering::equal ? a->type < b->type
                                                : order == std::strong_ordering::less;
  }
};

// How far each collector instance has come; the longest silent one goes when there are too many.
class InstanceSequences {
 public:
  struct Sequences {
    uint64_t applied = 0;
    uint64_t committed = 0;
  };

  Sequences Of(const std::string& instance_id) const {
    auto found = places_.find(instance_id);
    return found == places_.end() ? Sequences() : found->second->sequences;
  }

  // Returns the instances that had to go.
  std::vector<std::string> Set(const std::string& instance_id, uint64_t applied, size_t limit) {
    if (auto found = places_.find(instance_id); found != places_.end()) {
      by_age_.splice(by_age_.begin(), by_age_, found->second);
      found->second->sequences.applied = applied;
      return {};
    }
    by_age_.push_front({instance_id, {.applied = applied}});
    places_.emplace(instance_id, by_age_.begin());
    std::vector<std::string> evicted;
    while (places_.size() > std::max<size_t>(limit, 1)) {
      places_.erase(by_age_.back().instance_id);
      evicted.push_back(std::move(by_age_.back().instance_id));
      by_age_.pop_back();
    }
    return evicted;
  }

  void Commit(const std::string& instance_id) {
    if (auto found = places_.find(instance_id); found != places_.end()) {
      found->second->sequences.committed = found->second->sequences.applied;
    }
  }

  size_t Size() const { return places_.size(); }

 private:
  struct Instance {
    std::string instance_id;
    Sequences sequences;
  };

  // Newest first.
  std::list<Instance> by_age_;
  std::unordered_map<std::string, std::list<Instance>::iterator> places_;
};

bool HasLabel(const Labels* labels, const std::vector<std::pair<std::string, std::string>>& any) {
  if (labels == nullptr) {
    return false;
  }
  return std::any_of(any.begin(), any.end(), [labels](const auto& wanted) {
    return std::binary_search(labels->begin(), labels->end(), wanted);
  });
}

using ClientNames = std::set<std::pair<std::string, std::string>>;

bool Passes(const IntentFilter& filter, const ClientNames& clients_of_server,
            const Intent& intent) {
  if ((filter.since && intent.last_seen < *filter.since) ||
      (filter.until && intent.first_seen > *filter.until)) {
    return false;
  }
  const WorkloadIdentity& client = *intent.client.identity;
  if (!filter.client_namespaces.empty() &&
      std::find(filter.client_namespaces.begin(), filter.client_namespaces.end(),
                client.name_space) == filter.client_namespaces.end()) {
    return false;
  }
  if (filter.server.has_value() && clients_of_server.count({client.name_space, client.name}) == 0) {
    return false;
  }
  return filter.exclude_labels.empty() ||
         (!HasLabel(intent.client.labels.get(), filter.exclude_labels) &&
          !HasLabel(intent.server.labels.get(), filter.exclude_labels));
}

}  // namespace

struct IntentStore::State {
  explicit State(const IntentLimits& limits) : merger(limits) {}

  using Ordered = std::set<std::unique_ptr<Intent>, VisitOrder>;

  IntentMerger merger;
  // Owns the intents.
  Ordered ordered;
  std::unordered_set<Intent*, KeyHash, KeyEqual> by_key;
  std::map<uint64_t, HeldObservationPtr> held;
  InstanceSequences instances;
  // Rises whenever intents are erased: places in `ordered` are then lost.
  uint64_t erasures = 0;
  int64_t next_row = 1;
  std::optional<Time> since;

  // Null: there is no room for it.
  Intent* Add(const IntentSighting& sighting, size_t limit) {
    const IntentKey key{*sighting.client.identity, *sighting.server.identity, sighting.type};
    if (auto found = by_key.find(key); found != by_key.end()) {
      merger.Merge(**found, sighting);
      return *found;
    }
    if (by_key.size() >= limit) {
      merger.CountIntentOverflow();
      return nullptr;
    }
    auto made = std::make_unique<Intent>(merger.Begin(sighting));
    merger.Merge(*made, sighting);
    made->row = next_row++;
    Intent* intent = made.get();
    by_key.insert(intent);
    ordered.insert(std::move(made));
    return intent;
  }
};

struct IntentStore::Unsaved {
  std::vector<Intent*> intents;
  std::vector<HeldObservationPtr> held;
  std::vector<uint64_t> settled;
  std::set<std::string> instances;
  std::vector<std::string> forgotten_instances;

  void Note(Intent* intent) {
    if (intent != nullptr && !std::exchange(intent->unsaved, true)) {
      intents.push_back(intent);
    }
  }

  bool Empty() const {
    return intents.empty() && held.empty() && settled.empty() && instances.empty() &&
           forgotten_instances.empty();
  }
};

IntentStore::IntentStore(IntentLimits limits, IntentStoreMetrics& metrics)
    : limits_(limits),
      metrics_(metrics),
      unsaved_(std::make_unique<Guarded<Unsaved>>()),
      state_(std::make_unique<SharedGuarded<State>>(State(limits))) {}

IntentStore::~IntentStore() = default;

template <typename F>
decltype(auto) IntentStore::Write(F&& use) {
  ++waiting_writers_;
  return state_->Write([this, &use](State& state) -> decltype(auto) {
    --waiting_writers_;
    return use(state);
  });
}

StatusOr<size_t> IntentStore::Recover(std::unique_ptr<IntentDatabase> database,
                                      SteadyTime held_deadline) {
  ASSIGN_OR_RETURN(IntentDatabase::Content content, database->Load());
  database_ = std::move(database);
  Write([&](State& state) {
    state.since = content.since;
    for (auto& [row, intent] : content.intents) {
      intent->row = row;
      state.next_row = std::max(state.next_row, row + 1);
      state.merger.Adopt(*intent);
      state.by_key.insert(intent.get());
      state.ordered.insert(std::move(intent));
    }
    for (auto& [id, observation] : content.held) {
      state.held.emplace(id, std::make_shared<const HeldObservation>(
                                 HeldObservation{id, std::move(observation), held_deadline}));
    }
    for (const auto& [instance_id, sequence] : content.sequences) {
      state.instances.Set(instance_id, sequence, limits_.instances);
      state.instances.Commit(instance_id);
    }
    metrics_.intents.Set(static_cast<double>(state.by_key.size()));
    metrics_.held.Set(static_cast<double>(state.held.size()));
    metrics_.instances.Set(static_cast<double>(state.instances.Size()));
  });
  metrics_.bytes.Set(static_cast<double>(database_->Bytes()));
  return content.unreadable;
}

bool IntentStore::Apply(BatchEffect effect) {
  struct Outcome {
    bool applied = false;
    size_t intents = 0;
    size_t held = 0;
    size_t instances = 0;
    std::vector<std::string> evicted;
    IntentOverflow overflow;
  };

  const Outcome outcome = unsaved_->With([this, &effect](Unsaved& unsaved) {
    const bool durable = IsDurable();
    Outcome result = Write([&](State& state) {
      Outcome applied;
      if (!effect.instance_id.empty()) {
        if (effect.sequence <= state.instances.Of(effect.instance_id).applied) {
          return applied;
        }
        applied.evicted =
            state.instances.Set(effect.instance_id, effect.sequence, limits_.instances);
      }
      for (const IntentSighting& sighting : effect.sightings) {
        Intent* intent = state.Add(sighting, limits_.intents);
        if (durable) {
          unsaved.Note(intent);
        }
      }
      for (uint64_t id : effect.settled) {
        state.held.erase(id);
      }
      for (const HeldObservationPtr& observation : effect.hold) {
        state.held.emplace(observation->id, observation);
      }
      applied.applied = true;
      applied.intents = state.by_key.size();
      applied.held = state.held.size();
      applied.instances = state.instances.Size();
      applied.overflow = state.merger.TakeOverflow();
      return applied;
    });
    if (result.applied && durable) {
      if (!effect.instance_id.empty()) {
        unsaved.instances.insert(effect.instance_id);
      }
      const auto append = [](auto& to, auto& from) {
        to.insert(to.end(), from.begin(), from.end());
      };
      append(unsaved.forgotten_instances, result.evicted);
      append(unsaved.held, effect.hold);
      append(unsaved.settled, effect.settled);
    }
    return result;
  });
  if (!outcome.applied) {
    metrics_.duplicate_batches.Increment();
    return false;
  }
  metrics_.batches.Increment();
  metrics_.intents.Set(static_cast<double>(outcome.intents));
  metrics_.held.Set(static_cast<double>(outcome.held));
  metrics_.instances.Set(static_cast<double>(outcome.instances));
  const auto count = [](Counter& counter, size_t amount) {
    if (amount > 0) {
      counter.Increment(static_cast<double>(amount));
    }
  };
  count(metrics_.instances_evicted, outcome.evicted.size());
  count(metrics_.intents_overflow, outcome.overflow.intents);
  count(metrics_.topics_overflow, outcome.overflow.topics);
  count(metrics_.paths_overflow, outcome.overflow.paths);
  count(metrics_.actions_overflow, outcome.overflow.actions);
  count(metrics_.ports_overflow, outcome.overflow.ports);
  return true;
}

Status IntentStore::Save(const State& state, const Unsaved& unsaved) {
  for (const Intent* intent : unsaved.intents) {
    RETURN_IF_ERROR(database_->PutIntent(intent->row, *intent));
  }
  for (const HeldObservationPtr& held : unsaved.held) {
    if (state.held.contains(held->id)) {
      RETURN_IF_ERROR(database_->PutHeld(held->id, held->observation));
    }
  }
  for (const uint64_t id : unsaved.settled) {
    RETURN_IF_ERROR(database_->EraseHeld(id));
  }
  for (const std::string& instance_id : unsaved.forgotten_instances) {
    RETURN_IF_ERROR(database_->EraseSequence(instance_id));
  }
  for (const std::string& instance_id : unsaved.instances) {
    if (const uint64_t applied = state.instances.Of(instance_id).applied; applied > 0) {
      RETURN_IF_ERROR(database_->PutSequence(instance_id, applied));
    }
  }
  return OkStatus();
}

Status IntentStore::Commit() {
  if (!IsDurable()) {
    return OkStatus();
  }
  Status status = unsaved_->With([this](Unsaved& unsaved) -> Status {
    if (unsaved.Empty()) {
      return OkStatus();
    }
    RETURN_IF_ERROR(database_->Begin());
    // Readers go on meanwhile; writers wait for `unsaved_`.
    const Status saved =
        state_->Read([this, &unsaved](const State& state) { return Save(state, unsaved); });
    RETURN_IF_ERROR(saved);
    RETURN_IF_ERROR(database_->Commit());
    Write([&unsaved](State& state) {
      for (const std::string& instance_id : unsaved.instances) {
        state.instances.Commit(instance_id);
      }
    });
    for (Intent* intent : unsaved.intents) {
      intent->unsaved = false;
    }
    unsaved = Unsaved();
    metrics_.commits.Increment();
    metrics_.bytes.Set(static_cast<double>(database_->Bytes()));
    return OkStatus();
  });
  if (!status.ok()) {
    metrics_.failed_commits.Increment();
  }
  return status;
}

uint64_t IntentStore::AppliedSequence(std::string_view instance_id) const {
  const std::string id(instance_id);
  return state_->Read([&id](const State& state) { return state.instances.Of(id).applied; });
}

uint64_t IntentStore::CommittedSequence(std::string_view instance_id) const {
  const std::string id(instance_id);
  return state_->Read([this, &id](const State& state) {
    const InstanceSequences::Sequences sequences = state.instances.Of(id);
    return IsDurable() ? sequences.committed : sequences.applied;
  });
}

std::vector<HeldObservationPtr> IntentStore::Held() const {
  return state_->Read([](const State& state) {
    std::vector<HeldObservationPtr> held;
    held.reserve(state.held.size());
    for (const auto& entry : state.held) {
      held.push_back(entry.second);
    }
    return held;
  });
}

void IntentStore::VisitAll(const std::function<bool(const Intent&)>& visitor) const {
  State::Ordered::const_iterator place;
  std::optional<uint64_t> erasures;
  // What was visited last, to find the place again after others were erased.
  auto last = std::make_unique<Intent>();
  const auto visit_chunk = [&](const State& state) {
    if (!erasures.has_value()) {
      place = state.ordered.begin();
    } else if (*erasures != state.erasures) {
      place = state.ordered.upper_bound(last);
    }
    erasures = state.erasures;
    for (size_t i = 0; i < kVisitChunk; ++i, ++place) {
      if (place == state.ordered.end() || !visitor(**place)) {
        return false;
      }
      last->client.identity = (*place)->client.identity;
      last->server.identity = (*place)->server.identity;
      last->type = (*place)->type;
    }
    return place != state.ordered.end();
  };
  while (state_->Read(visit_chunk)) {
    // A reader that takes the lock again at once could keep a writer out for the whole visit.
    constexpr int kMostYields = 1000;
    for (int i = 0; i < kMostYields && waiting_writers_.load() > 0; ++i) {
      std::this_thread::yield();
    }
  }
}

void IntentStore::Visit(const IntentFilter& filter,
                        const std::function<bool(const Intent&)>& visitor) const {
  ClientNames clients;
  if (filter.server.has_value()) {
    VisitAll([&filter, &clients](const Intent& intent) {
      const WorkloadIdentity& server = *intent.server.identity;
      if (server.name == filter.server->name && server.name_space == filter.server->name_space) {
        clients.emplace(intent.client.identity->name_space, intent.client.identity->name);
      }
      return true;
    });
    if (clients.empty()) {
      return;
    }
  }
  VisitAll([&filter, &clients, &visitor](const Intent& intent) {
    return !Passes(filter, clients, intent) || visitor(intent);
  });
}

size_t IntentStore::Size() const {
  return state_->Read([](const State& state) { return state.by_key.size(); });
}

StatusOr<size_t> IntentStore::Forget(const IntentSelection& selection, Time now) {
  const auto selected = [&selection](const Intent& intent) {
    const std::vector<std::string>& namespaces = selection.client_namespaces;
    return (namespaces.empty() ||
            std::find(namespaces.begin(), namespaces.end(), intent.client.identity->name_space) !=
                namespaces.end()) &&
           (!selection.last_seen_before || intent.last_seen < *selection.last_seen_before);
  };
  const bool all = selection.client_namespaces.empty() && !selection.last_seen_before;
  // Freed when no lock is held any more.
  std::vector<State::Ordered::node_type> forgotten;
  const Status status = unsaved_->With([&](Unsaved& unsaved) -> Status {
    std::vector<State::Ordered::const_iterator> places;
    state_->Read([&](const State& state) {
      for (auto place = state.ordered.begin(); place != state.ordered.end(); ++place) {
        if (selected(**place)) {
          places.push_back(place);
        }
      }
    });
    if (IsDurable() && (all || !places.empty())) {
      RETURN_IF_ERROR(database_->Begin());
      if (all) {
        RETURN_IF_ERROR(database_->EraseAllIntents(now));
      }
      for (const auto& place : places) {
        RETURN_IF_ERROR(all ? OkStatus() : database_->EraseIntent((*place)->row));
      }
      RETURN_IF_ERROR(database_->Commit());
    }
    std::erase_if(unsaved.intents, [&selected](const Intent* intent) { return selected(*intent); });
    Write([&](State& state) {
      for (const auto& place : places) {
        state.by_key.erase(place->get());
        forgotten.push_back(state.ordered.extract(place));
      }
      ++state.erasures;
      if (all) {
        state.merger.Clear();
        state.since = now;
      }
      metrics_.intents.Set(static_cast<double>(state.by_key.size()));
    });
    return OkStatus();
  });
  RETURN_IF_ERROR(status);
  return forgotten.size();
}

std::optional<Time> IntentStore::Since() const {
  return state_->Read([](const State& state) { return state.since; });
}

}  // namespace network_mapper
