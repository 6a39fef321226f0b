#include "mapper/ingest/observation_pipeline.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "common/log/log.h"

namespace network_mapper {
namespace {

size_t Weight(const ObservationBatch& batch) {
  return std::max<size_t>(batch.observations.size(), 1);
}

}  // namespace

ObservationPipeline::ObservationPipeline(PipelineOptions options, PipelineParts parts)
    : options_(options), parts_(std::move(parts)), reporting_nodes_(parts_.clock.SteadyNow()) {
  next_held_id_ = parts_.store.FirstHeldId();
  for (const HeldObservationPtr& held : parts_.store.Held()) {
    ++held_count_;
    first_deadline_ = std::min(first_deadline_, held->deadline);
  }
  worker_.With([this](std::jthread& worker) { worker = std::jthread([this] { Work(); }); });
}

ObservationPipeline::~ObservationPipeline() {
  Stop();
}

bool ObservationPipeline::Submit(ObservationBatch batch, std::function<void()> on_applied,
                                 std::function<void()> on_resume) {
  const size_t weight = Weight(batch);
  return queue_.Change([&](Queue& queue) {
    if (queue.stopping) {
      return false;
    }
    queue.observations += weight;
    queue.jobs.push_back({std::move(batch), std::move(on_applied)});
    if (queue.observations < options_.queue_observations) {
      return true;
    }
    queue.waiting.push_back(std::move(on_resume));
    return false;
  });
}

uint64_t ObservationPipeline::AppliedSequence(std::string_view instance_id) const {
  return parts_.store.CommittedSequence(instance_id);
}

bool ObservationPipeline::HasRoom() const {
  return queue_.Read([this](const Queue& queue) {
    return !queue.stopping && queue.observations < options_.queue_observations;
  });
}

void ObservationPipeline::OnStreamOpen(const CollectorInstance& collector) {
  ledger_.With([&](CollectorLedger& ledger) { ledger.OpenStream(collector, parts_.clock.Now()); });
}

void ObservationPipeline::OnStreamOver(const std::string& instance_id) {
  ledger_.With([&](CollectorLedger& ledger) { ledger.EndStream(instance_id); });
}

std::vector<CollectorAccount> ObservationPipeline::Collectors() const {
  return ledger_.With([](const CollectorLedger& ledger) { return ledger.Current(); });
}

CollectorSums ObservationPipeline::CollectorsTogether() const {
  return ledger_.With([](const CollectorLedger& ledger) { return ledger.Sums(); });
}

void ObservationPipeline::HearElsewhere(std::vector<std::string> nodes) {
  nodes_elsewhere_.With([&](std::vector<std::string>& elsewhere) { elsewhere = std::move(nodes); });
}

Status ObservationPipeline::StoreHealth() const {
  return store_health_.With([](const StoreState& state) { return state.status; });
}

std::optional<std::chrono::nanoseconds> ObservationPipeline::StoreLostFor() const {
  using Absent = std::optional<std::chrono::nanoseconds>;
  return store_health_.With([this](const StoreState& state) {
    return state.status.ok() ? Absent() : Absent(parts_.clock.SteadyNow() - state.lost_at);
  });
}

void ObservationPipeline::Stop() {
  queue_.Change([](Queue& queue) { queue.stopping = true; });
  worker_.With([](std::jthread& worker) {
    if (worker.joinable()) {
      worker.join();
    }
  });
}

// False when stopped meanwhile.
bool ObservationPipeline::WaitForInventory() {
  constexpr std::chrono::milliseconds kInterval{50};
  while (!parts_.inventory.synced()) {
    if (queue_.WaitFor(kInterval, [](const Queue& queue) { return queue.stopping; })) {
      return false;
    }
  }
  return true;
}

void ObservationPipeline::Work() {
  constexpr std::chrono::nanoseconds kIdleWait = std::chrono::seconds(1);
  if (!WaitForInventory()) {
    return;
  }
  std::optional<SteadyTime> stop_deadline;
  while (true) {
    const auto limit = held_count_ > 0 ? std::min(options_.retry_interval, kIdleWait) : kIdleWait;
    queue_.WaitFor(limit, [](const Queue& queue) { return queue.stopping || !queue.jobs.empty(); });
    std::optional<Job> job;
    const bool stopping = queue_.Change([&job](Queue& queue) {
      if (!queue.jobs.empty()) {
        job = std::move(queue.jobs.front());
        queue.jobs.pop_front();
      }
      return queue.stopping;
    });
    if (stopping && !stop_deadline.has_value()) {
      stop_deadline = parts_.clock.SteadyNow() + options_.stop_limit;
    }
    const bool is_late = stopping && parts_.clock.SteadyNow() >= *stop_deadline;
    if (stopping && (is_late || !job.has_value())) {
      CommitGroup();
      CheckHeld(!parts_.store.IsDurable());
      return;
    }
    if (job.has_value()) {
      RunJob(std::move(*job));
    }
    if (GroupIsOver()) {
      CommitGroup();
      CheckHeld(false);
    }
  }
}

void ObservationPipeline::RunJob(Job job) {
  const size_t weight = Weight(job.batch);
  if (group_.on_applied.empty()) {
    group_.started = parts_.clock.SteadyNow();
  }
  ApplyBatch(job.batch);
  group_.on_applied.push_back(std::move(job.on_applied));
  group_.observations += weight;
  Release(weight);
}

bool ObservationPipeline::GroupIsOver() const {
  return !parts_.store.IsDurable() || group_.observations >= options_.group_observations ||
         parts_.clock.SteadyNow() - group_.started >= options_.group_time ||
         queue_.Read([](const Queue& queue) { return queue.jobs.empty(); });
}

void ObservationPipeline::CommitGroup() {
  const SteadyTime began = parts_.clock.SteadyNow();
  Status status = parts_.store.Commit();
  while (!status.ok()) {
    const bool was_ok = store_health_.With([&](StoreState& state) {
      const bool was_ok_before = std::exchange(state.status, status).ok();
      state.lost_at = was_ok_before ? began : state.lost_at;
      return was_ok_before;
    });
    if (was_ok) {
      LogError("the map cannot be put on disk",
               {{"error", status},
                {"effect", "nothing more is applied, collectors keep their reports"}});
    }
    if (queue_.WaitFor(options_.commit_retry, [](const Queue& queue) { return queue.stopping; })) {
      return;
    }
    status = parts_.store.Commit();
  }
  if (!store_health_.With(
          [](StoreState& state) { return std::exchange(state.status, OkStatus()).ok(); })) {
    LogInfo("the map is put on disk again", {});
  }
  const Group group = std::exchange(group_, Group());
  for (const auto& on_applied : group.on_applied) {
    if (on_applied) {
      on_applied();
    }
  }
}

void ObservationPipeline::Release(size_t observations) {
  std::vector<std::function<void()>> resumed;
  const size_t left = queue_.Change([this, observations, &resumed](Queue& queue) {
    queue.observations -= observations;
    if (queue.observations <= options_.low_water_observations) {
      resumed.swap(queue.waiting);
    }
    return queue.observations;
  });
  parts_.metrics.queued_observations.Set(static_cast<double>(left));
  for (const auto& resume : resumed) {
    if (resume) {
      resume();
    }
  }
}

void ObservationPipeline::ApplyBatch(ObservationBatch& batch) {
  parts_.metrics.batches.Increment();
  const CollectorTotals grown = ledger_.With(
      [&](CollectorLedger& ledger) { return ledger.Contact(batch, parts_.clock.Now()); });
  parts_.metrics.AddTotals(grown);
  BatchEffect effect;
  effect.instance_id = batch.instance_id;
  effect.sequence = batch.sequence;
  effect.bookmarks = std::move(batch.bookmarks);
  if (!batch.instance_id.empty()) {
    const uint64_t applied = parts_.store.AppliedSequence(batch.instance_id);
    if (batch.sequence <= applied) {
      // Counted by the store, which says the same.
      parts_.store.Apply(std::move(effect));
      return;
    }
    // Of an instance that the store does not know, earlier batches may have been acknowledged
    // before a restart.
    if (applied > 0 && batch.sequence > applied + 1) {
      parts_.metrics.sequence_gaps.Increment();
    }
  }
  ResolveInto(effect, batch);
  parts_.store.Apply(std::move(effect));
}

void ObservationPipeline::ResolveInto(BatchEffect& effect, ObservationBatch& batch) {
  const SteadyTime now = parts_.clock.SteadyNow();
  const SteadyTime deadline = now + options_.hold;
  if (batch.component == kNodeComponent) {
    reporting_nodes_.Hear(batch.node_name, now);
  }
  for (const std::string& node :
       nodes_elsewhere_.With([](auto& nodes) { return std::exchange(nodes, {}); })) {
    reporting_nodes_.Hear(node, now);
  }
  const Reporter reporter{.node_name = batch.node_name,
                          .is_proven = !batch.proven_node.empty(),
                          .nodes = &reporting_nodes_,
                          .now = now};
  const size_t taken = batch.observations.size() + batch.unreadable;
  RefusalCounts refused{};
  refused.at(static_cast<size_t>(Refusal::kMalformed)) = batch.unreadable;
  effect.sightings.reserve(batch.observations.size());
  parts_.inventory.read([&](const InventoryView& inventory) {
    for (Observation& observation : batch.observations) {
      const bool has_room = held_count_ < options_.max_held;
      Verdict verdict = parts_.resolver.Resolve(inventory, observation, Patience::kMayHold,
                                                effect.sightings, reporter);
      if (verdict.kind == Verdict::Kind::kHold && !has_room) {
        parts_.metrics.hold_overflow.Increment();
        verdict = parts_.resolver.Resolve(inventory, observation, Patience::kLastChance,
                                          effect.sightings, reporter);
      }
      if (verdict.kind != Verdict::Kind::kHold) {
        if (Count(observation.collector, verdict)) {
          ++refused.at(static_cast<size_t>(verdict.refusal));
        }
        continue;
      }
      parts_.metrics.held.Increment();
      first_deadline_ = std::min(first_deadline_, deadline);
      ++held_count_;
      effect.hold.push_back(std::make_shared<const HeldObservation>(
          HeldObservation{next_held_id_++, std::move(observation), deadline, batch.instance_id,
                          batch.node_name, reporter.is_proven}));
    }
  });
  ledger_.With([&](CollectorLedger& ledger) { ledger.Take(batch.instance_id, taken, refused); });
}

// Everything that waits is in the store then: the group before is committed.
void ObservationPipeline::CheckHeld(bool last_chance) {
  const SteadyTime now = parts_.clock.SteadyNow();
  const size_t held = parts_.store.HeldCount();
  if (held > held_count_) {
    // Left behind by another mapper.
    first_deadline_ = now;
  }
  held_count_ = held;
  if (held_count_ == 0) {
    return;
  }
  const uint64_t version = parts_.inventory.version();
  const bool changed = version != seen_version_ && now >= next_retry_;
  if (changed || last_chance || now >= first_deadline_) {
    seen_version_ = version;
    next_retry_ = now + options_.retry_interval;
    RetryHeld(now, last_chance);
  }
}

void ObservationPipeline::RetryHeld(SteadyTime now, bool last_chance) {
  BatchEffect effect;
  first_deadline_ = SteadyTime::max();
  const std::vector<HeldObservationPtr> held = parts_.store.Held();
  parts_.inventory.read([&](const InventoryView& inventory) {
    for (const HeldObservationPtr& waiting : held) {
      const bool is_over = last_chance || now >= waiting->deadline;
      const Reporter reporter{.node_name = waiting->reporter_node,
                              .is_proven = waiting->reporter_is_proven,
                              .nodes = &reporting_nodes_,
                              .now = now};
      const Verdict verdict = parts_.resolver.Resolve(
          inventory, waiting->observation, is_over ? Patience::kLastChance : Patience::kMayHold,
          effect.sightings, reporter);
      if (verdict.kind == Verdict::Kind::kHold) {
        first_deadline_ = std::min(first_deadline_, waiting->deadline);
        continue;
      }
      if (Count(waiting->observation.collector, verdict)) {
        ledger_.With(
            [&](CollectorLedger& ledger) { ledger.Refuse(waiting->instance_id, verdict.refusal); });
      }
      effect.settled.push_back(waiting->id);
    }
  });
  held_count_ = held.size() - effect.settled.size();
  if (!effect.settled.empty()) {
    parts_.store.Apply(std::move(effect));
    CommitGroup();
  }
}

bool ObservationPipeline::Count(Collector collector, const Verdict& verdict) {
  if (verdict.kind == Verdict::Kind::kResolved) {
    parts_.metrics.Resolved(collector).Increment();
    return false;
  }
  parts_.metrics.Refused(verdict.refusal, collector).Increment();
  return true;
}

}  // namespace network_mapper
