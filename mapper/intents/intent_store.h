// Intent store: the merged intents and their evidence, what waits to be resolved, and how far each
// collector instance has come, so that one Apply commits a batch as a whole. Written by the
// pipeline, read by the API and the exporters. In memory only; it resolves nothing and reads no
// clock.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/concurrency/guarded.h"
#include "mapper/intents/batch_effect.h"
#include "mapper/intents/intent.h"
#include "mapper/intents/intent_limits.h"
#include "mapper/intents/intent_store_metrics.h"

namespace network_mapper {

// Filters combine with AND; an empty one keeps everything.
struct IntentFilter {
  struct Name {
    std::string name;
    std::string name_space;
  };

  // Exact names of the client's namespace.
  std::vector<std::string> client_namespaces;
  // An intent whose client or server carries one of these labels (key, value) is left out.
  std::vector<std::pair<std::string, std::string>> exclude_labels;
  // All intents of the clients that have any intent to this server, to whatever server. Which
  // clients these are does not depend on the other filters.
  std::optional<Name> server;
};

// Thread-safe. Readers and writers take turns: a visit holds the lock for kVisitChunk intents at a
// time and lets a waiting writer in between.
class IntentStore {
 public:
  static constexpr size_t kVisitChunk = 128;

  // `metrics` must outlive the store.
  IntentStore(IntentLimits limits, IntentStoreMetrics& metrics);
  IntentStore(const IntentStore&) = delete;
  IntentStore& operator=(const IntentStore&) = delete;
  ~IntentStore();

  // Commits all of it or, when the instance's sequence was applied before, nothing. Returns whether
  // it was new.
  bool Apply(BatchEffect effect);

  // The highest sequence that was applied for this instance; 0 when none is known.
  uint64_t AppliedSequence(std::string_view instance_id) const;

  // What waits to be resolved, oldest first.
  std::vector<HeldObservationPtr> Held() const;

  // Calls `visitor` for each intent that passes, ordered by the byte strings
  // "clientNamespace/clientName", "serverNamespace/serverName" and then by type (none first), until
  // it returns false. The intent is valid during the call only; the visitor must not call the
  // store. Each intent is seen whole and at most once. An intent that comes during the visit may or
  // may not be seen; a Reset ends the visit.
  void Visit(const IntentFilter& filter, const std::function<bool(const Intent&)>& visitor) const;

  size_t Size() const;

  // Forgets the intents. What waits and what was applied stays.
  void Reset();

 private:
  struct State;

  // Runs `use` on the state as the only one, ahead of visits under way.
  template <typename F>
  decltype(auto) Write(F&& use);
  void VisitAll(const std::function<bool(const Intent&)>& visitor) const;

  IntentLimits limits_;
  IntentStoreMetrics& metrics_;
  // Lets readers step back between two chunks.
  mutable std::atomic<int> waiting_writers_{0};
  std::unique_ptr<SharedGuarded<State>> state_;
};

}  // namespace network_mapper
