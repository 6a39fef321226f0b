// Intent store: the merged intents and their evidence, what waits to be resolved, and how far each
// collector instance has come, so that one Apply takes a batch as a whole. Written by the pipeline,
// read by the API and the exporters. All of it is in memory; with a database it is on disk, too,
// from the next Commit on, batches as a whole. It resolves nothing and reads no clock.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/concurrency/guarded.h"
#include "common/status/status.h"
#include "common/time/clock.h"
#include "mapper/intents/batch_effect.h"
#include "mapper/intents/intent.h"
#include "mapper/intents/intent_database.h"
#include "mapper/intents/intent_filter.h"
#include "mapper/intents/intent_limits.h"
#include "mapper/intents/intent_merge.h"
#include "mapper/intents/intent_store_metrics.h"

namespace network_mapper {

// Thread-safe. Readers and writers take turns: a visit holds the lock for kVisitChunk intents at a
// time and lets a waiting writer in between.
class IntentStore {
 public:
  static constexpr size_t kVisitChunk = 128;

  // How old may be what a reader gets to see of a shared database.
  static constexpr std::chrono::milliseconds kRefreshInterval{200};

  // `metrics` must outlive the store.
  IntentStore(IntentLimits limits, IntentStoreMetrics& metrics,
              std::chrono::milliseconds refresh_interval = kRefreshInterval);

  // Makes the store durable, and takes up what the database holds; what waited to be resolved waits
  // until `held_deadline`. Call it once, before anything else. Returns how many rows could not be
  // read.
  StatusOr<size_t> Recover(std::unique_ptr<IntentDatabase> database, SteadyTime held_deadline);

  IntentStore(const IntentStore&) = delete;
  IntentStore& operator=(const IntentStore&) = delete;
  ~IntentStore();

  bool IsDurable() const { return database_ != nullptr; }

  // Whether other mappers write into the same database. What they have committed is in what Visit
  // shows after kRefreshInterval at the latest; while the database does not answer, or this mapper
  // commits, as far as it is known here.
  bool IsShared() const { return database_ != nullptr && database_->IsShared(); }

  // Takes all of it or, when the instance's sequence was applied before, nothing. Returns whether
  // it was new, as far as is known before the commit: another mapper may have taken it already.
  bool Apply(BatchEffect effect);

  // Puts on disk what was applied since the last time, as a whole. After an error nothing of it is
  // on disk, and the next call tries it all again; but what a shared database refuses for its
  // content is left out and counted, since it would be refused for ever. Without a database it has
  // nothing to do.
  Status Commit();

  // With a shared database: what the mappers that share it get to know of each other, from the next
  // Commit on. What others say that live.
  void Announce(std::string bytes);
  std::vector<std::string> Announcements() const;

  // The highest sequence that was applied for this instance; 0 when none is known.
  uint64_t AppliedSequence(std::string_view instance_id) const;
  // The same for what is committed: what its collector need not keep any more.
  uint64_t CommittedSequence(std::string_view instance_id) const;

  // The bookmarks (BatchEffect) whose names begin so, as of the last Commit; none without a
  // database, whose map ends with the program. An error when the database does not answer.
  StatusOr<std::vector<std::pair<std::string, std::string>>> ReadBookmarks(
      const std::string& prefix) const;

  // What waits to be resolved, oldest first. With a shared database, what is not committed yet is
  // not among it, and what a mapper that is gone has left behind is.
  std::vector<HeldObservationPtr> Held() const;
  size_t HeldCount() const;
  // The first id that new ones may have.
  uint64_t FirstHeldId() const;

  // Calls `visitor` for each intent that passes, ordered by the byte strings
  // "clientNamespace/clientName", "serverNamespace/serverName" and then by type (none first), until
  // it returns false. The intent is valid during the call only; the visitor must not call the
  // store. Each intent is seen whole and at most once. An intent that comes or goes during the
  // visit may or may not be seen.
  void Visit(const IntentFilter& filter, const std::function<bool(const Intent&)>& visitor) const;

  size_t Size() const;

  // Additions that the limits kept out since the start, whole intents or parts of them; what they
  // were is in the metrics.
  uint64_t KeptOut() const { return kept_out_; }

  // Forgets intents, on disk first: after an error all are still there. What waits and what was
  // applied stays. Returns how many went. `now` is from when on the map is whole again, when all
  // go.
  StatusOr<size_t> Forget(const IntentSelection& selection, Time now);

  // Since when the map holds what was seen: the making of the database, or the last time that all
  // intents were forgotten. Absent before the first of these.
  std::optional<Time> Since() const;

 private:
  struct State;
  struct Unsaved;

  // Runs `use` on the state as the only one, ahead of visits under way.
  template <typename F>
  decltype(auto) Write(F&& use) const;
  void VisitAll(const std::function<bool(const Intent&)>& visitor) const;
  void TakeContent(IntentDatabase::Content content, SteadyTime held_deadline,
                   Unsaved& unsaved) const;
  void Refresh() const;
  bool Take(State& state, const BatchEffect& effect, Unsaved& unsaved) const;
  Status Save(const State& state, const Unsaved& unsaved) const;
  // The first `most` effects of what is deferred, and all else that is unsaved.
  Status CommitSome(Unsaved& unsaved, size_t most);
  // After the database has refused something: finds out what that is, and leaves it out.
  Status CommitWithoutRefused(Unsaved& unsaved);
  // A transaction of the database around `use`.
  Status Transact(Unsaved& unsaved, const std::function<Status()>& use) const;
  void ForgetInstances(std::vector<std::string> evicted, Unsaved& unsaved) const;
  void ShowSizes(const State& state) const;
  void CountOverflow(const IntentOverflow& overflow) const;

  IntentLimits limits_;
  IntentStoreMetrics& metrics_;
  const std::chrono::milliseconds refresh_interval_;
  // Null: in memory only.
  std::unique_ptr<IntentDatabase> database_;
  // What the database does not have yet. Its lock is held by whoever changes the store, and is
  // taken before the state's.
  std::unique_ptr<Guarded<Unsaved>> unsaved_;
  // Lets readers step back between two chunks.
  mutable std::atomic<int> waiting_writers_{0};
  mutable std::atomic<uint64_t> kept_out_{0};
  // The last use of the database went wrong.
  mutable std::atomic<bool> database_fails_{false};
  std::unique_ptr<SharedGuarded<State>> state_;
  mutable Guarded<std::optional<std::string>> announcement_;
};

}  // namespace network_mapper
