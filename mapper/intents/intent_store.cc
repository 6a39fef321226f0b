#include "mapper/intents/intent_store.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <thread>
#include <unordered_map>

#include "common/log/log.h"
#include "mapper/intents/instance_sequences.h"
#include "mapper/intents/intent_table.h"

namespace network_mapper {

struct IntentStore::State {
  explicit State(const IntentLimits& limits) : table(limits) {}

  IntentTable table;
  std::map<uint64_t, HeldObservationPtr> held;
  InstanceSequences instances;
  std::optional<Time> since;
  std::vector<std::string> announcements;
};

struct IntentStore::Unsaved {
  // What changed in memory and not yet in the database.
  std::vector<Intent*> intents;
  std::vector<HeldObservationPtr> held;
  std::vector<uint64_t> settled;
  std::set<std::string> instances;
  std::vector<std::string> forgotten_instances;
  std::vector<BookmarksPtr> bookmarks;

  // With a shared database nothing changes in memory before the transaction that writes it.
  std::vector<BatchEffect> deferred;
  std::unordered_map<std::string, uint64_t> deferred_sequences;
  // How many of them were in the last transaction, if that failed.
  size_t attempted = 0;
  // When a shared database was last asked for news.
  SteadyTime refreshed;

  void Note(Intent* intent) {
    if (intent != nullptr && !std::exchange(intent->unsaved, true)) {
      intents.push_back(intent);
    }
  }

  void Drop(size_t effects) {
    deferred.erase(deferred.begin(), deferred.begin() + static_cast<ptrdiff_t>(effects));
    if (deferred.empty()) {
      deferred_sequences.clear();
    }
  }

  // In the database, or to be done again.
  void ClearChanges() {
    for (Intent* intent : intents) {
      intent->unsaved = false;
    }
    intents.clear();
    held.clear();
    settled.clear();
    instances.clear();
    forgotten_instances.clear();
    bookmarks.clear();
  }

  bool Empty() const {
    return intents.empty() && held.empty() && settled.empty() && instances.empty() &&
           forgotten_instances.empty() && bookmarks.empty() && deferred.empty();
  }
};

IntentStore::IntentStore(IntentLimits limits, IntentStoreMetrics& metrics,
                         std::chrono::milliseconds refresh_interval)
    : limits_(limits),
      metrics_(metrics),
      refresh_interval_(refresh_interval),
      unsaved_(std::make_unique<Guarded<Unsaved>>()),
      state_(std::make_unique<SharedGuarded<State>>(State(limits))) {}

IntentStore::~IntentStore() = default;

template <typename F>
decltype(auto) IntentStore::Write(F&& use) const {
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
  const size_t unreadable = content.unreadable;
  unsaved_->With(
      [&](Unsaved& unsaved) { TakeContent(std::move(content), held_deadline, unsaved); });
  metrics_.bytes.Set(static_cast<double>(database_->Bytes()));
  return unreadable;
}

void IntentStore::TakeContent(IntentDatabase::Content content, SteadyTime held_deadline,
                              Unsaved& unsaved) const {
  Write([&](State& state) {
    // What waits on goes on waiting as it did.
    std::map<uint64_t, HeldObservationPtr> held_before;
    if (content.is_whole) {
      state.table.Clear();
      held_before.swap(state.held);
      state.instances = InstanceSequences();
    }
    if (content.is_disowned) {
      state.held.clear();
    }
    if (content.since) {
      state.since = content.since;
    }
    state.announcements = std::move(content.announcements);
    state.table.ReserveRows(content.last_row);
    for (auto& [row, intent] : content.intents) {
      state.table.Put(row, std::move(intent));
    }
    for (auto& [id, observation] : content.held) {
      if (auto known = held_before.extract(id)) {
        state.held.insert(std::move(known));
        continue;
      }
      state.held.emplace(id, std::make_shared<const HeldObservation>(
                                 HeldObservation{id, std::move(observation), held_deadline}));
    }
    for (const auto& [instance_id, sequence] : content.sequences) {
      ForgetInstances(state.instances.Adopt(instance_id, sequence, limits_.instances), unsaved);
    }
    ShowSizes(state);
  });
}

void IntentStore::ForgetInstances(std::vector<std::string> evicted, Unsaved& unsaved) const {
  if (!evicted.empty()) {
    metrics_.instances_evicted.Increment(static_cast<double>(evicted.size()));
  }
  if (IsDurable()) {
    std::move(evicted.begin(), evicted.end(), std::back_inserter(unsaved.forgotten_instances));
  }
}

void IntentStore::ShowSizes(const State& state) const {
  metrics_.intents.Set(static_cast<double>(state.table.Size()));
  metrics_.held.Set(static_cast<double>(state.held.size()));
  metrics_.instances.Set(static_cast<double>(state.instances.Size()));
}

void IntentStore::CountOverflow(const IntentOverflow& overflow) const {
  const auto count = [this](Counter& counter, size_t amount) {
    if (amount > 0) {
      kept_out_ += amount;
      counter.Increment(static_cast<double>(amount));
    }
  };
  count(metrics_.intents_overflow, overflow.intents);
  count(metrics_.aws_resources_overflow, overflow.aws_resources);
  count(metrics_.attempted_aws_resources_overflow, overflow.attempted_aws_resources);
  count(metrics_.topics_overflow, overflow.topics);
  count(metrics_.paths_overflow, overflow.paths);
  count(metrics_.actions_overflow, overflow.actions);
  count(metrics_.regions_overflow, overflow.regions);
  count(metrics_.roles_overflow, overflow.roles);
  count(metrics_.ports_overflow, overflow.ports);
}

bool IntentStore::Apply(BatchEffect effect) {
  const bool is_new = unsaved_->With([this, &effect](Unsaved& unsaved) {
    if (!IsShared()) {
      return Write([&](State& state) { return Take(state, effect, unsaved); });
    }
    if (!effect.instance_id.empty()) {
      uint64_t& deferred = unsaved.deferred_sequences[effect.instance_id];
      deferred = std::max(deferred, state_->Read([&effect](const State& state) {
        return state.instances.Of(effect.instance_id).applied;
      }));
      if (effect.sequence <= deferred) {
        return false;
      }
      deferred = effect.sequence;
    }
    unsaved.deferred.push_back(std::move(effect));
    return true;
  });
  if (!is_new) {
    metrics_.duplicate_batches.Increment();
  }
  return is_new;
}

bool IntentStore::Take(State& state, const BatchEffect& effect, Unsaved& unsaved) const {
  const bool durable = IsDurable();
  if (!effect.instance_id.empty()) {
    if (effect.sequence <= state.instances.Of(effect.instance_id).applied) {
      return false;
    }
    ForgetInstances(state.instances.Apply(effect.instance_id, effect.sequence, limits_.instances),
                    unsaved);
    if (durable) {
      unsaved.instances.insert(effect.instance_id);
    }
  }
  for (const IntentSighting& sighting : effect.sightings) {
    Intent* intent = state.table.Merge(sighting);
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
  if (durable) {
    unsaved.settled.insert(unsaved.settled.end(), effect.settled.begin(), effect.settled.end());
    unsaved.held.insert(unsaved.held.end(), effect.hold.begin(), effect.hold.end());
    if (effect.bookmarks != nullptr) {
      unsaved.bookmarks.push_back(effect.bookmarks);
    }
  }
  metrics_.batches.Increment();
  ShowSizes(state);
  CountOverflow(state.table.TakeOverflow());
  return true;
}

Status IntentStore::Save(const State& state, const Unsaved& unsaved) const {
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
    // Not what was heard of again meanwhile.
    if (state.instances.Of(instance_id).applied == 0) {
      RETURN_IF_ERROR(database_->EraseSequence(instance_id));
    }
  }
  for (const std::string& instance_id : unsaved.instances) {
    if (const uint64_t applied = state.instances.Of(instance_id).applied; applied > 0) {
      RETURN_IF_ERROR(database_->PutSequence(instance_id, applied));
    }
  }
  for (const BookmarksPtr& bookmarks : unsaved.bookmarks) {
    for (const auto& [name, bytes] : *bookmarks) {
      RETURN_IF_ERROR(bytes ? database_->PutBookmark(name, *bytes)
                            : database_->EraseBookmark(name));
    }
  }
  return OkStatus();
}

Status IntentStore::Transact(Unsaved& unsaved, const std::function<Status()>& use) const {
  const auto transact = [&]() -> Status {
    if (auto next = announcement_.With([](auto& kept) { return std::exchange(kept, {}); })) {
      database_->Announce(*std::move(next));
    }
    ASSIGN_OR_RETURN(IntentDatabase::Content content, database_->Begin());
    if (IsShared()) {
      const size_t attempted = std::exchange(unsaved.attempted, 0);
      if (content.last_commit_done) {
        unsaved.Drop(attempted);
      }
      if (content.is_disowned) {
        // Whoever took over what waited here settles it.
        std::erase_if(unsaved.deferred,
                      [](const BatchEffect& effect) { return !effect.settled.empty(); });
      }
      // What comes from another mapper has waited for long enough.
      TakeContent(std::move(content), SteadyTime(), unsaved);
    }
    RETURN_IF_ERROR(use());
    return database_->Commit();
  };
  Status status = transact();
  if (!status.ok() && IsShared()) {
    // The next transaction begins with what the database holds.
    unsaved.ClearChanges();
  }
  database_fails_ = !status.ok();
  return status;
}

Status IntentStore::Commit() {
  if (!IsDurable()) {
    return OkStatus();
  }
  Status status = unsaved_->With([this](Unsaved& unsaved) -> Status {
    if (unsaved.Empty() && !database_fails_ && !database_->IsCommitDue()) {
      return OkStatus();
    }
    Status all = CommitSome(unsaved, unsaved.deferred.size());
    return all.code() == StatusCode::kInvalidArgument ? CommitWithoutRefused(unsaved) : all;
  });
  if (!status.ok()) {
    metrics_.failed_commits.Increment();
  }
  return status;
}

Status IntentStore::CommitSome(Unsaved& unsaved, size_t most) {
  RETURN_IF_ERROR(Transact(unsaved, [&] {
    unsaved.attempted = std::min(most, unsaved.deferred.size());
    if (unsaved.attempted > 0) {
      Write([&](State& state) {
        for (size_t i = 0; i < unsaved.attempted; ++i) {
          if (!Take(state, unsaved.deferred[i], unsaved)) {
            metrics_.duplicate_batches.Increment();
          }
        }
      });
    }
    // Readers go on meanwhile, with what is known; writers wait for `unsaved_`.
    return state_->Read([&](const State& state) { return Save(state, unsaved); });
  }));
  Write([&unsaved](State& state) {
    for (const std::string& instance_id : unsaved.instances) {
      state.instances.Commit(instance_id);
    }
  });
  unsaved.ClearChanges();
  unsaved.Drop(std::exchange(unsaved.attempted, 0));
  metrics_.commits.Increment();
  metrics_.bytes.Set(static_cast<double>(database_->Bytes()));
  return OkStatus();
}

Status IntentStore::CommitWithoutRefused(Unsaved& unsaved) {
  bool is_bare = false;
  while (!unsaved.deferred.empty()) {
    const size_t before = unsaved.deferred.size();
    Status status = CommitSome(unsaved, 1);
    if (status.ok() || unsaved.deferred.size() != before) {
      is_bare = false;
      continue;
    }
    if (status.code() != StatusCode::kInvalidArgument) {
      return status;
    }
    if (is_bare) {
      unsaved.Drop(1);
      is_bare = false;
      continue;
    }
    LogError("the store refuses a batch, which is left out", {{"error", status}});
    metrics_.refused_batches.Increment();
    // That it was heard and what it settles need not be refused.
    unsaved.deferred.front().sightings.clear();
    unsaved.deferred.front().hold.clear();
    is_bare = true;
  }
  // Brings memory back to what is in the database, or says that it was none of the batches.
  return CommitSome(unsaved, 0);
}

// What other mappers have committed. When the database does not answer, what is known has to do; so
// it has during a commit, which brings what is known up to date itself.
void IntentStore::Refresh() const {
  if (!IsShared() || database_fails_) {
    return;
  }
  unsaved_->TryWith([this](Unsaved& unsaved) {
    const SteadyTime now = std::chrono::steady_clock::now();
    if (database_fails_ || now - unsaved.refreshed < refresh_interval_) {
      return;
    }
    unsaved.refreshed = now;
    metrics_.refreshes.Increment();
    StatusOr<IntentDatabase::Content> news = database_->ReadNews();
    database_fails_ = !news.ok();
    if (news.ok()) {
      TakeContent(*std::move(news), SteadyTime(), unsaved);
    }
  });
}

void IntentStore::Announce(std::string bytes) {
  announcement_.With([&](std::optional<std::string>& next) { next = std::move(bytes); });
}

std::vector<std::string> IntentStore::Announcements() const {
  Refresh();
  return state_->Read([](const State& state) { return state.announcements; });
}

uint64_t IntentStore::FirstHeldId() const {
  return IsDurable() ? database_->FirstHeldId() : 1;
}

uint64_t IntentStore::AppliedSequence(std::string_view instance_id) const {
  const std::string id(instance_id);
  const uint64_t deferred = !IsShared() ? 0 : unsaved_->With([&id](const Unsaved& unsaved) {
    const auto found = unsaved.deferred_sequences.find(id);
    return found == unsaved.deferred_sequences.end() ? 0 : found->second;
  });
  return std::max(
      deferred, state_->Read([&id](const State& state) { return state.instances.Of(id).applied; }));
}

uint64_t IntentStore::CommittedSequence(std::string_view instance_id) const {
  const std::string id(instance_id);
  return state_->Read([this, &id](const State& state) {
    const InstanceSequences::Sequences sequences = state.instances.Of(id);
    return IsDurable() ? sequences.committed : sequences.applied;
  });
}

StatusOr<std::vector<std::pair<std::string, std::string>>> IntentStore::ReadBookmarks(
    const std::string& prefix) const {
  using Read = std::vector<std::pair<std::string, std::string>>;
  if (!IsDurable()) {
    return Read();
  }
  return unsaved_->With([&](Unsaved&) -> StatusOr<Read> {
    StatusOr<Read> bookmarks = database_->ReadBookmarks(prefix);
    database_fails_ = database_fails_ || !bookmarks.ok();
    return bookmarks;
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

size_t IntentStore::HeldCount() const {
  return state_->Read([](const State& state) { return state.held.size(); });
}

void IntentStore::VisitAll(const std::function<bool(const Intent&)>& visitor) const {
  IntentTable::Ordered::const_iterator place;
  std::optional<uint64_t> erasures;
  // What was visited last, to find the place again after others were erased.
  auto last = std::make_unique<Intent>();
  const auto visit_chunk = [&](const State& state) {
    if (!erasures.has_value()) {
      place = state.table.All().begin();
    } else if (*erasures != state.table.Erasures()) {
      place = state.table.All().upper_bound(last);
    }
    erasures = state.table.Erasures();
    for (size_t i = 0; i < kVisitChunk; ++i, ++place) {
      if (place == state.table.All().end() || !visitor(**place)) {
        return false;
      }
      last->client.identity = (*place)->client.identity;
      last->server.identity = (*place)->server.identity;
      last->type = (*place)->type;
    }
    return place != state.table.All().end();
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
  Refresh();
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
  return state_->Read([](const State& state) { return state.table.Size(); });
}

StatusOr<size_t> IntentStore::Forget(const IntentSelection& selection, Time now) {
  // Freed when no lock is held any more.
  std::vector<IntentTable::Ordered::node_type> forgotten;
  const Status status = unsaved_->With([&](Unsaved& unsaved) -> Status {
    std::vector<IntentTable::Ordered::const_iterator> places;
    const auto erase_rows = [&]() -> Status {
      state_->Read([&](const State& state) {
        const IntentTable::Ordered& all = state.table.All();
        for (auto place = all.begin(); place != all.end(); ++place) {
          if (selection.Has(**place)) {
            places.push_back(place);
          }
        }
      });
      if (IsDurable() && selection.IsAll()) {
        return database_->EraseAllIntents(now);
      }
      for (const auto& place : places) {
        RETURN_IF_ERROR(IsDurable() ? database_->EraseIntent((*place)->row) : OkStatus());
      }
      return OkStatus();
    };
    RETURN_IF_ERROR(IsDurable() ? Transact(unsaved, erase_rows) : erase_rows());
    std::erase_if(unsaved.intents,
                  [&selection](const Intent* intent) { return selection.Has(*intent); });
    Write([&](State& state) {
      for (const auto& place : places) {
        forgotten.push_back(state.table.Erase(place));
      }
      if (selection.IsAll()) {
        state.table.Clear();
        state.since = now;
      }
      ShowSizes(state);
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
