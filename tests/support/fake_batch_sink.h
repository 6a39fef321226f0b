// A BatchSink as the contract says and no more: applies batches in order on its own thread, each
// sequence of an instance once, and remembers what it applied. Thread-safe.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "common/concurrency/waitable.h"
#include "mapper/ingest/batch_sink.h"

namespace network_mapper {

class FakeBatchSink final : public BatchSink {
 public:
  explicit FakeBatchSink(size_t capacity = 1000, bool keep_names = true)
      : capacity_(capacity),
        keep_names_(keep_names),
        worker_([this](std::stop_token stop) { Work(std::move(stop)); }) {}

  ~FakeBatchSink() override {
    worker_.request_stop();
    state_.Change([](State&) {});
    worker_.join();
  }

  bool Submit(ObservationBatch batch, std::function<void()> on_applied,
              std::function<void()> on_resume) override {
    return state_.Change([&](State& state) {
      state.queue.push_back({std::move(batch), std::move(on_applied)});
      state.longest_queue = std::max(state.longest_queue, state.queue.size());
      if (state.queue.size() < capacity_) {
        return true;
      }
      state.resumptions.push_back(std::move(on_resume));
      return false;
    });
  }

  uint64_t AppliedSequence(std::string_view instance_id) const override {
    return state_.Read([&](const State& state) {
      auto found = state.applied.find(instance_id);
      return found == state.applied.end() ? 0 : found->second;
    });
  }

  bool HasRoom() const override {
    return state_.Read([&](const State& state) { return state.queue.size() < capacity_; });
  }

  void OnStreamOpen(const CollectorInstance& collector) override {
    state_.Change([&](State& state) { ++state.opened_streams[collector.node_name]; });
  }

  void OnStreamOver(const std::string& /*instance_id*/) override {
    state_.Change([](State& state) { ++state.streams_over; });
  }

  // How many streams of a node were opened, and how many of all are over.
  int OpenedStreams(const std::string& node) const {
    return state_.Read([&](const State& state) {
      auto found = state.opened_streams.find(node);
      return found == state.opened_streams.end() ? 0 : found->second;
    });
  }

  int StreamsOver() const {
    return state_.Read([](const State& state) { return state.streams_over; });
  }

  std::optional<std::chrono::nanoseconds> LastClockOffset() const {
    return state_.Read([](const State& state) { return state.clock_offset; });
  }

  // While held, nothing is applied.
  void Hold(bool held) {
    state_.Change([held](State& state) { state.held = held; });
  }

  // What the mapper forgets in a restart without durability.
  void ForgetSequences() {
    state_.Change([](State& state) { state.applied.clear(); });
  }

  // How often the observation of each name was applied.
  std::map<std::string, int> Names() const {
    return state_.Read([](const State& state) { return state.names; });
  }

  size_t LongestQueue() const {
    return state_.Read([](const State& state) { return state.longest_queue; });
  }

  size_t Queued() const {
    return state_.Read([](const State& state) { return state.queue.size(); });
  }

  uint64_t Observations() const {
    return state_.Read([](const State& state) { return state.observations; });
  }

  CollectorTotals LastTotals() const {
    return state_.Read([](const State& state) { return state.totals; });
  }

  bool WaitForObservations(uint64_t count, std::chrono::seconds limit) const {
    return state_.WaitFor(limit,
                          [count](const State& state) { return state.observations >= count; });
  }

  bool WaitForQueue(size_t length, std::chrono::seconds limit) const {
    return state_.WaitFor(limit,
                          [length](const State& state) { return state.queue.size() >= length; });
  }

 private:
  struct Item {
    ObservationBatch batch;
    std::function<void()> on_applied;
  };

  struct State {
    bool held = false;
    std::deque<Item> queue;
    std::vector<std::function<void()>> resumptions;
    std::map<std::string, uint64_t, std::less<>> applied;
    std::map<std::string, int> names;
    CollectorTotals totals;
    std::optional<std::chrono::nanoseconds> clock_offset;
    std::map<std::string, int> opened_streams;
    int streams_over = 0;
    uint64_t observations = 0;
    size_t longest_queue = 0;
  };

  void Work(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      state_.WaitFor(std::chrono::seconds(1), [&](const State& state) {
        return stop.stop_requested() || (!state.held && !state.queue.empty());
      });
      std::vector<std::function<void()>> calls =
          state_.Change([this](State& state) { return ApplyAll(state); });
      for (const auto& call : calls) {
        call();
      }
    }
  }

  std::vector<std::function<void()>> ApplyAll(State& state) const {
    std::vector<std::function<void()>> calls;
    while (!state.held && !state.queue.empty()) {
      Apply(state, state.queue.front().batch);
      calls.push_back(std::move(state.queue.front().on_applied));
      state.queue.pop_front();
    }
    if (state.queue.size() < capacity_) {
      std::move(state.resumptions.begin(), state.resumptions.end(), std::back_inserter(calls));
      state.resumptions.clear();
    }
    return calls;
  }

  void Apply(State& state, const ObservationBatch& batch) const {
    uint64_t& applied = state.applied[batch.instance_id];
    if (batch.sequence <= applied) {
      return;
    }
    applied = batch.sequence;
    state.totals = batch.totals;
    state.clock_offset = batch.clock_offset;
    state.observations += batch.observations.size();
    for (const Observation& observation : batch.observations) {
      if (const auto* name = std::get_if<NameTarget>(&observation.target);
          keep_names_ && name != nullptr) {
        state.names[name->name] += static_cast<int>(observation.count);
      }
    }
  }

  const size_t capacity_;
  const bool keep_names_;
  Waitable<State> state_;
  std::jthread worker_;
};

}  // namespace network_mapper
