// Pipeline: a bounded queue of batches and one worker that resolves each under one reading of the
// inventory and commits its effect to the intent store as a whole. What the inventory does not know
// yet waits in the store and is tried again. Batches of a durable store are put on disk in groups,
// and said to be applied only then; while that fails, nothing more is applied. Receivers feed it;
// it owns no network and no inventory. Before the cluster has been listed once it applies nothing:
// collectors keep what is not acknowledged, whereas everybody would be unknown.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include "common/concurrency/guarded.h"
#include "common/concurrency/waitable.h"
#include "common/time/clock.h"
#include "mapper/ingest/batch_sink.h"
#include "mapper/ingest/collector_ledger.h"
#include "mapper/ingest/pipeline_metrics.h"
#include "mapper/intents/intent_store.h"
#include "mapper/resolve/resolver.h"

namespace network_mapper {

struct PipelineOptions {
  // The queue is full from here on; it asks for more once it is down to `low_water`.
  size_t queue_observations = 200'000;
  size_t low_water_observations = 100'000;
  // How long an observation waits for the inventory, and how many may.
  std::chrono::nanoseconds hold = std::chrono::seconds(10);
  size_t max_held = 20'000;
  // Held observations are tried again at most this often, and only when the inventory has changed.
  std::chrono::nanoseconds retry_interval = std::chrono::milliseconds(250);
  // A group of batches ends when the queue is empty, and at the latest after so much.
  size_t group_observations = 200'000;
  std::chrono::nanoseconds group_time = std::chrono::milliseconds(200);
  // How long to wait after a group that could not be put on disk.
  std::chrono::nanoseconds commit_retry = std::chrono::seconds(1);
  // How long Stop goes on applying what is queued.
  std::chrono::nanoseconds stop_limit = std::chrono::seconds(5);
};

// The inventory as the pipeline needs it. Called from the worker thread only.
struct InventoryAccess {
  // Runs the callable on a consistent view.
  std::function<void(const std::function<void(const InventoryView&)>&)> read;
  // A number that rises with every change.
  std::function<uint64_t()> version;
  // Whether the cluster has been listed; once true, it stays so.
  std::function<bool()> synced;
};

struct PipelineParts {
  IntentStore& store;
  const Resolver& resolver;
  InventoryAccess inventory;
  const Clock& clock;
  PipelineMetrics& metrics;
};

// Thread-safe.
class ObservationPipeline final : public BatchSink {
 public:
  // Starts the worker. What the parts refer to must outlive the pipeline.
  ObservationPipeline(PipelineOptions options, PipelineParts parts);
  ObservationPipeline(const ObservationPipeline&) = delete;
  ObservationPipeline& operator=(const ObservationPipeline&) = delete;
  // Stops.
  ~ObservationPipeline() override;

  bool Submit(ObservationBatch batch, std::function<void()> on_applied,
              std::function<void()> on_resume) override;
  uint64_t AppliedSequence(std::string_view instance_id) const override;
  bool HasRoom() const override;
  void OnStreamOpen(const CollectorInstance& collector) override;
  void OnStreamOver(const std::string& instance_id) override;

  // What is known of the collectors: how complete the map is.
  std::vector<CollectorAccount> Collectors() const;
  CollectorSums CollectorsTogether() const;

  // Nodes whose collectors report to other mappers that share the map.
  void HearElsewhere(std::vector<std::string> nodes);

  // OK unless the last group could not be put on disk.
  Status StoreHealth() const;
  // For how long it has not been OK.
  std::optional<std::chrono::nanoseconds> StoreLostFor() const;

  // Takes no more batches (Submit answers false and forgets them), applies what is queued for at
  // most `stop_limit`, gives held observations their last chance, unless the store keeps them for
  // the next start, and ends the worker; without a synced inventory it applies nothing. Calling it
  // again does nothing.
  void Stop();

 private:
  struct Job {
    ObservationBatch batch;
    std::function<void()> on_applied;
  };

  struct Queue {
    // The observations in `jobs`; a batch counts at least one.
    size_t observations = 0;
    std::deque<Job> jobs;
    std::vector<std::function<void()>> waiting;
    bool stopping = false;
  };

  struct StoreState {
    Status status;
    // When that was OK for the last time.
    SteadyTime lost_at;
  };

  // What was applied since the last commit.
  struct Group {
    std::vector<std::function<void()>> on_applied;
    size_t observations = 0;
    SteadyTime started;
  };

  void Work();
  bool WaitForInventory();
  void RunJob(Job job);
  void ApplyBatch(ObservationBatch& batch);
  bool GroupIsOver() const;
  void CommitGroup();
  void Release(size_t observations);
  void ResolveInto(BatchEffect& effect, ObservationBatch& batch);
  void CheckHeld(bool last_chance);
  void RetryHeld(SteadyTime now, bool last_chance);
  // Returns whether it was refused.
  bool Count(Collector collector, const Verdict& verdict);

  PipelineOptions options_;
  PipelineParts parts_;
  Waitable<Queue> queue_;
  Guarded<CollectorLedger> ledger_;
  Guarded<StoreState> store_health_;

  // The worker's own.
  Group group_;
  ReportingNodes reporting_nodes_;
  Guarded<std::vector<std::string>> nodes_elsewhere_;
  uint64_t next_held_id_ = 1;
  size_t held_count_ = 0;
  SteadyTime next_retry_;
  SteadyTime first_deadline_ = SteadyTime::max();
  uint64_t seen_version_ = 0;

  Guarded<std::jthread> worker_;
};

}  // namespace network_mapper
