// A pipeline over a small cluster, for its tests: shop/web-1 (10.0.0.1) and shop/db-1 (10.0.0.2).
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

#include "common/concurrency/guarded.h"
#include "common/concurrency/waitable.h"
#include "mapper/ingest/observation_pipeline.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_inventory_view.h"

namespace network_mapper {

// Counts callbacks and lets a test wait for them.
class Tally {
 public:
  std::function<void()> Callback() {
    return [this] { count_.Change([](int& count) { ++count; }); };
  }

  int Count() const {
    return count_.Read([](int count) { return count; });
  }

  bool WaitFor(int wanted) const {
    return count_.WaitFor(std::chrono::seconds(20),
                          [wanted](int count) { return count >= wanted; });
  }

 private:
  Waitable<int> count_;
};

class PipelineFixture : public ::testing::Test {
 protected:
  PipelineFixture() {
    AddPod("web-1", "web", "10.0.0.1");
    AddPod("db-1", "db", "10.0.0.2");
    options_.retry_interval = std::chrono::milliseconds(1);
  }

  void AddPod(const std::string& pod, const std::string& workload, const std::string& address) {
    inventory_.Write([&](FakeInventoryView& view) {
      view.AddSimplePod("shop", pod, workload, address);
      ++version_;
    });
  }

  void Start() {
    InventoryAccess access;
    access.read = [this](const std::function<void(const InventoryView&)>& use) {
      // Lets a test keep the worker busy.
      gate_.WaitFor(std::chrono::seconds(20), [](bool closed) { return !closed; });
      ++reads_;
      inventory_.Read([&use](const FakeInventoryView& view) { use(view); });
    };
    access.version = [this] { return version_.load(); };
    access.synced = [this] { return synced_.load(); };
    pipeline_ = std::make_unique<ObservationPipeline>(
        options_, PipelineParts{store_, resolver_, std::move(access), clock_, metrics_});
  }

  void CloseGate() {
    gate_.Change([](bool& closed) { closed = true; });
  }

  void OpenGate() {
    gate_.Change([](bool& closed) { closed = false; });
  }

  static ObservationBatch Batch(const std::string& instance, uint64_t sequence,
                                const std::string& server, size_t observations = 1) {
    ObservationBatch batch;
    batch.instance_id = instance;
    batch.sequence = sequence;
    for (size_t i = 0; i < observations; ++i) {
      Observation observation;
      observation.collector = Collector::kTcpSyn;
      observation.client.ip = FakeInventoryView::Ip("10.0.0.1");
      AddressTarget target;
      target.address = FakeInventoryView::Ip(server);
      target.port = 80;
      observation.target = target;
      batch.observations.push_back(std::move(observation));
    }
    return batch;
  }

  bool Submit(ObservationBatch batch) {
    return pipeline_->Submit(std::move(batch), applied_.Callback(), resumed_.Callback());
  }

  // Submits and waits until it is applied.
  void Apply(ObservationBatch batch) {
    const int before = applied_.Count();
    Submit(std::move(batch));
    ASSERT_TRUE(applied_.WaitFor(before + 1));
  }

  uint64_t CountOf(const std::string& server) const {
    uint64_t count = 0;
    store_.Visit({}, [&server, &count](const Intent& intent) {
      count += intent.server.identity->name == server ? intent.Count() : 0;
      return true;
    });
    return count;
  }

  // Waits for something that the worker does on its own.
  template <typename Condition>
  static bool Eventually(Condition&& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) {
        return false;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }

  MetricsRegistry registry_;
  IntentStoreMetrics store_metrics_{registry_};
  PipelineMetrics metrics_{registry_};
  IntentStore store_{IntentLimits{}, store_metrics_};
  Resolver resolver_{ResolveOptions{}};
  FakeClock clock_;
  SharedGuarded<FakeInventoryView> inventory_;
  std::atomic<uint64_t> version_{0};
  std::atomic<bool> synced_{true};
  std::atomic<int> reads_{0};
  Waitable<bool> gate_;
  Tally applied_;
  Tally resumed_;
  PipelineOptions options_;
  std::unique_ptr<ObservationPipeline> pipeline_;
};

}  // namespace network_mapper
