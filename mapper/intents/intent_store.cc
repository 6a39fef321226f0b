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
  uint64_t Applied(const std::string& instance_id) const {
    auto found = places_.find(instance_id);
    return found == places_.end() ? 0 : found->second->sequence;
  }

  // Returns how many instances had to go.
  size_t Set(const std::string& instance_id, uint64_t sequence, size_t limit) {
    if (auto found = places_.find(instance_id); found != places_.end()) {
      by_age_.splice(by_age_.begin(), by_age_, found->second);
      found->second->sequence = sequence;
      return 0;
    }
    by_age_.push_front({instance_id, sequence});
    places_.emplace(instance_id, by_age_.begin());
    size_t evicted = 0;
    while (places_.size() > std::max<size_t>(limit, 1)) {
      places_.erase(by_age_.back().instance_id);
      by_age_.pop_back();
      ++evicted;
    }
    return evicted;
  }

  size_t Size() const { return places_.size(); }

 private:
  struct Instance {
    std::string instance_id;
    uint64_t sequence = 0;
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
  // Owns the intents; nothing is erased but by Reset, so iterators keep their place.
  Ordered ordered;
  std::unordered_set<Intent*, KeyHash, KeyEqual> by_key;
  std::map<uint64_t, HeldObservationPtr> held;
  InstanceSequences instances;
  // Rises with each Reset.
  uint64_t generation = 0;

  void Add(const IntentSighting& sighting, size_t limit) {
    const IntentKey key{*sighting.client.identity, *sighting.server.identity, sighting.type};
    if (auto found = by_key.find(key); found != by_key.end()) {
      merger.Merge(**found, sighting);
      return;
    }
    if (by_key.size() >= limit) {
      merger.CountIntentOverflow();
      return;
    }
    auto intent = std::make_unique<Intent>(merger.Begin(sighting));
    merger.Merge(*intent, sighting);
    by_key.insert(intent.get());
    ordered.insert(std::move(intent));
  }
};

IntentStore::IntentStore(IntentLimits limits, IntentStoreMetrics& metrics)
    : limits_(limits),
      metrics_(metrics),
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

bool IntentStore::Apply(BatchEffect effect) {
  struct Outcome {
    bool applied = false;
    size_t intents = 0;
    size_t held = 0;
    size_t instances = 0;
    size_t evicted = 0;
    IntentOverflow overflow;
  };

  const Outcome outcome = Write([this, &effect](State& state) {
    Outcome result;
    if (!effect.instance_id.empty()) {
      if (effect.sequence <= state.instances.Applied(effect.instance_id)) {
        return result;
      }
      result.evicted = state.instances.Set(effect.instance_id, effect.sequence, limits_.instances);
    }
    for (const IntentSighting& sighting : effect.sightings) {
      state.Add(sighting, limits_.intents);
    }
    for (uint64_t id : effect.settled) {
      state.held.erase(id);
    }
    for (HeldObservationPtr& observation : effect.hold) {
      const uint64_t id = observation->id;
      state.held.emplace(id, std::move(observation));
    }
    result.applied = true;
    result.intents = state.by_key.size();
    result.held = state.held.size();
    result.instances = state.instances.Size();
    result.overflow = state.merger.TakeOverflow();
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
  count(metrics_.instances_evicted, outcome.evicted);
  count(metrics_.intents_overflow, outcome.overflow.intents);
  count(metrics_.topics_overflow, outcome.overflow.topics);
  count(metrics_.paths_overflow, outcome.overflow.paths);
  count(metrics_.actions_overflow, outcome.overflow.actions);
  count(metrics_.ports_overflow, outcome.overflow.ports);
  return true;
}

uint64_t IntentStore::AppliedSequence(std::string_view instance_id) const {
  const std::string id(instance_id);
  return state_->Read([&id](const State& state) { return state.instances.Applied(id); });
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
  std::optional<uint64_t> generation;
  const auto visit_chunk = [&place, &generation, &visitor](const State& state) {
    if (!generation.has_value()) {
      generation = state.generation;
      place = state.ordered.begin();
    } else if (*generation != state.generation) {
      return false;
    }
    for (size_t i = 0; i < kVisitChunk; ++i, ++place) {
      if (place == state.ordered.end() || !visitor(**place)) {
        return false;
      }
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

void IntentStore::Reset() {
  State::Ordered forgotten;
  Write([&forgotten](State& state) {
    state.by_key.clear();
    state.ordered.swap(forgotten);
    state.merger.Clear();
    ++state.generation;
  });
  metrics_.intents.Set(0);
}

}  // namespace network_mapper
