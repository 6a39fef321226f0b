// Where batches of observations enter the mapper: the face between what receives them (the gRPC
// report server, the GraphQL mutations, the Istio watcher) and the pipeline that resolves and
// stores them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/observation/observation.h"
#include "common/report/collector_totals.h"
#include "mapper/intents/batch_effect.h"

namespace network_mapper {

// Who a collector says it is.
struct CollectorInstance {
  // One life of one collector process.
  std::string instance_id;
  std::string component;
  std::string node_name;
};

struct ObservationBatch {
  // One life of one collector process. Empty for reports without sequence numbers (original
  // collectors).
  std::string instance_id;
  std::string component;
  std::string node_name;
  // The same, where the collector's token proves it; else empty.
  std::string proven_node;
  // 1, 2, 3, ... within an instance. A sequence that was applied before has no effect and is
  // acknowledged again.
  uint64_t sequence = 0;
  std::vector<Observation> observations;
  // Observations that came with these and could not be read.
  size_t unreadable = 0;
  CollectorTotals totals;
  // The mapper's clock when the batch came minus the collector's when it was first sent; absent
  // when the collector does not tell.
  std::optional<std::chrono::nanoseconds> clock_offset = std::nullopt;
  // Of a collector inside the mapper, which the store keeps together with what it reported.
  BookmarksPtr bookmarks = nullptr;
};

// Thread-safe.
class BatchSink {
 public:
  virtual ~BatchSink() = default;

  // Takes the batch in any case. `on_applied` is called, from another thread, once its effect is in
  // the intent store, and on disk if that is durable. True: more may come at once. False: the sink
  // is full; the caller submits nothing more until `on_resume` is called (from another thread,
  // exactly once). `on_resume` is not called after true. A batch whose caller has gone in the
  // meantime is applied all the same. On shutdown neither callback may come: what was not applied
  // is sent again later.
  virtual bool Submit(ObservationBatch batch, std::function<void()> on_applied,
                      std::function<void()> on_resume) = 0;

  // The highest sequence for which `on_applied` was or may be called; 0 when none.
  virtual uint64_t AppliedSequence(std::string_view instance_id) const = 0;

  // A collector's report stream has begun, or is over: for each of the first there is one of the
  // second.
  virtual void OnStreamOpen(const CollectorInstance& /*collector*/) {}

  virtual void OnStreamOver(const std::string& /*instance_id*/) {}

  // Whether Submit would return true now: callers that cannot wait (HTTP) refuse instead.
  virtual bool HasRoom() const = 0;
};

}  // namespace network_mapper
