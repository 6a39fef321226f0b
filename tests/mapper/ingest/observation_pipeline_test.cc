#include "mapper/ingest/observation_pipeline.h"

#include <sys/resource.h>

#include <csignal>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "mapper/intents/sqlite_database.h"
#include "tests/mapper/ingest/pipeline_fixture.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_paths.h"

namespace network_mapper {
namespace {

using namespace std::chrono_literals;
using ObservationPipelineTest = PipelineFixture;

class DurablePipelineTest : public PipelineFixture {
 protected:
  DurablePipelineTest() {
    EXPECT_THAT(store_.Recover(*OpenSqliteDatabase(path_, Time()), SteadyTime()), IsOk());
    options_.commit_retry = 10ms;
  }

  // No file grows while it lives: what a full disk is like.
  class FullDisk {
   public:
    FullDisk() {
      getrlimit(RLIMIT_FSIZE, &before_);
      const rlimit none{.rlim_cur = 0, .rlim_max = before_.rlim_max};
      setrlimit(RLIMIT_FSIZE, &none);
    }

    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;

    ~FullDisk() {
      setrlimit(RLIMIT_FSIZE, &before_);
      std::signal(SIGXFSZ, handler_);
    }

   private:
    sighandler_t handler_ = std::signal(SIGXFSZ, SIG_IGN);
    rlimit before_{};
  };

  TemporaryDirectory directory_;
  std::string path_ = directory_.Path() / "map.db";
};

TEST_F(ObservationPipelineTest, AppliesABatchAndThenAcknowledges) {
  Start();
  EXPECT_TRUE(Submit(Batch("one", 1, "10.0.0.2", 3)));
  ASSERT_TRUE(applied_.WaitFor(1));
  EXPECT_EQ(CountOf("db"), 3U);
  EXPECT_EQ(pipeline_->AppliedSequence("one"), 1U);
  EXPECT_EQ(metrics_.Resolved(Collector::kTcpSyn).Value(), 3);
}

TEST_F(ObservationPipelineTest, RefusesAPodOfAnotherNodeAlsoOnceItIsKnown) {
  Start();
  ObservationBatch batch = Batch("one", 1, "10.0.0.2");
  batch.node_name = "node-1";
  batch.proven_node = "node-1";
  batch.observations[0].client.pod_uid = FakeInventoryView::UidOf("far-1");
  Apply(std::move(batch));
  EXPECT_EQ(metrics_.held.Value(), 1);
  inventory_.Write([&](FakeInventoryView& view) {
    view.AddSimplePod("shop", "far-1", "far", "10.0.2.1", "node-2");
    ++version_;
  });
  clock_.Advance(1s);
  EXPECT_TRUE(Eventually(
      [&] { return metrics_.Refused(Refusal::kForeignNode, Collector::kTcpSyn).Value() == 1; }));
  EXPECT_EQ(store_.Size(), 0U);
}

TEST_F(ObservationPipelineTest, WaitsForTheFirstListOfTheCluster) {
  synced_ = false;
  options_.hold = 0ms;
  Start();
  EXPECT_TRUE(Submit(Batch("one", 1, "10.0.0.9")));
  EXPECT_EQ(pipeline_->AppliedSequence("one"), 0U);
  EXPECT_EQ(applied_.Count(), 0);
  AddPod("late-1", "late", "10.0.0.9");
  synced_ = true;
  ASSERT_TRUE(applied_.WaitFor(1));
  EXPECT_EQ(CountOf("late"), 1U);
}

TEST_F(ObservationPipelineTest, AcknowledgesNothingWhenItStopsBeforeTheFirstList) {
  synced_ = false;
  Start();
  Submit(Batch("one", 1, "10.0.0.2"));
  pipeline_->Stop();
  EXPECT_EQ(applied_.Count(), 0);
  EXPECT_EQ(pipeline_->AppliedSequence("one"), 0U);
}

TEST_F(ObservationPipelineTest, AResentBatchHasNoEffectAndIsAcknowledgedAgain) {
  Start();
  Apply(Batch("one", 1, "10.0.0.2"));
  Apply(Batch("one", 1, "10.0.0.2"));
  EXPECT_EQ(CountOf("db"), 1U);
  EXPECT_EQ(store_metrics_.duplicate_batches.Value(), 1);
}

TEST_F(ObservationPipelineTest, ABatchResentWhileTheFirstIsStillQueuedDoesNotCountTwice) {
  CloseGate();
  Start();
  for (uint64_t sequence : {1U, 2U, 1U, 2U, 3U}) {
    Submit(Batch("one", sequence, "10.0.0.2"));
  }
  OpenGate();
  ASSERT_TRUE(applied_.WaitFor(5));
  EXPECT_EQ(CountOf("db"), 3U);
}

TEST_F(ObservationPipelineTest, ReportsWithoutSequenceAlwaysCount) {
  Start();
  Apply(Batch("", 0, "10.0.0.2"));
  Apply(Batch("", 0, "10.0.0.2"));
  EXPECT_EQ(CountOf("db"), 2U);
}

TEST_F(ObservationPipelineTest, CountsGapsInASequence) {
  Start();
  Apply(Batch("one", 7, "10.0.0.2"));
  EXPECT_EQ(metrics_.sequence_gaps.Value(), 0);
  Apply(Batch("one", 9, "10.0.0.2"));
  EXPECT_EQ(metrics_.sequence_gaps.Value(), 1);
  EXPECT_EQ(CountOf("db"), 2U);
}

TEST_F(ObservationPipelineTest, AFullQueueSaysSoAndAsksForMoreOnceAtLowWater) {
  options_.queue_observations = 10;
  options_.low_water_observations = 4;
  CloseGate();
  Start();
  EXPECT_TRUE(pipeline_->HasRoom());
  EXPECT_TRUE(Submit(Batch("one", 1, "10.0.0.2", 5)));
  EXPECT_FALSE(Submit(Batch("one", 2, "10.0.0.2", 5)));
  EXPECT_FALSE(pipeline_->HasRoom());
  // One that comes all the same is taken, and asked on too.
  EXPECT_FALSE(Submit(Batch("two", 1, "10.0.0.2", 0)));
  EXPECT_EQ(resumed_.Count(), 0);
  OpenGate();
  ASSERT_TRUE(applied_.WaitFor(3));
  ASSERT_TRUE(resumed_.WaitFor(2));
  EXPECT_TRUE(pipeline_->HasRoom());
  EXPECT_EQ(CountOf("db"), 10U);
  Apply(Batch("one", 3, "10.0.0.2"));
  EXPECT_EQ(resumed_.Count(), 2);
}

// docs/regressions.md P4
TEST_F(ObservationPipelineTest, P4AHeldObservationIsResolvedWhenTheInventoryLearnsThePod) {
  Start();
  Apply(Batch("one", 1, "10.0.0.9"));
  EXPECT_EQ(store_.Held().size(), 1U);
  EXPECT_EQ(metrics_.held.Value(), 1);
  // A resend does not hold it twice.
  Apply(Batch("one", 1, "10.0.0.9"));
  EXPECT_EQ(store_.Held().size(), 1U);
  clock_.Advance(1s);
  AddPod("late-1", "late", "10.0.0.9");
  EXPECT_TRUE(Eventually([this] { return CountOf("late") == 1; }));
  EXPECT_TRUE(store_.Held().empty());
}

TEST_F(ObservationPipelineTest, HeldObservationsAreNotTriedAgainBeforeTheInventoryChanges) {
  Start();
  Apply(Batch("one", 1, "10.0.0.9"));
  clock_.Advance(1s);
  Apply(Batch("one", 2, "10.0.0.2"));
  // The first look at the version may cost one retry; after it only batches read the inventory.
  const int reads = reads_;
  clock_.Advance(1s);
  Apply(Batch("one", 3, "10.0.0.2"));
  Apply(Batch("one", 4, "10.0.0.2"));
  EXPECT_LE(reads_ - reads, 3);
  EXPECT_EQ(store_.Held().size(), 1U);
}

TEST_F(ObservationPipelineTest, AHeldObservationIsRefusedWithItsReasonWhenItsTimeIsOver) {
  Start();
  Apply(Batch("one", 1, "10.0.0.9"));
  clock_.Advance(9s);
  Apply(Batch("one", 2, "10.0.0.2"));
  EXPECT_EQ(store_.Held().size(), 1U);
  clock_.Advance(1s);
  EXPECT_TRUE(Eventually([this] { return store_.Held().empty(); }));
  pipeline_->Stop();
  EXPECT_EQ(metrics_.Refused(Refusal::kExternalAddress, Collector::kTcpSyn).Value(), 1);
}

TEST_F(ObservationPipelineTest, WhatFindsNoRoomToWaitIsRefusedAtOnceAndCounted) {
  options_.max_held = 2;
  Start();
  Apply(Batch("one", 1, "10.0.0.9", 5));
  EXPECT_EQ(store_.Held().size(), 2U);
  pipeline_->Stop();
  EXPECT_EQ(metrics_.hold_overflow.Value(), 3);
}

TEST_F(ObservationPipelineTest, StopAppliesWhatIsQueuedAndGivesHeldOnesTheirLastChance) {
  CloseGate();
  Start();
  Submit(Batch("one", 1, "10.0.0.2"));
  Submit(Batch("one", 2, "10.0.0.9"));
  OpenGate();
  pipeline_->Stop();
  EXPECT_EQ(applied_.Count(), 2);
  EXPECT_EQ(CountOf("db"), 1U);
  EXPECT_TRUE(store_.Held().empty());
  EXPECT_EQ(metrics_.Refused(Refusal::kExternalAddress, Collector::kTcpSyn).Value(), 1);
  EXPECT_FALSE(pipeline_->HasRoom());
  EXPECT_FALSE(Submit(Batch("one", 3, "10.0.0.2")));
  pipeline_->Stop();
  EXPECT_EQ(applied_.Count(), 2);
}

TEST_F(ObservationPipelineTest, StopLeavesWhatItHasNoTimeForUnacknowledged) {
  options_.stop_limit = 0s;
  CloseGate();
  Start();
  Submit(Batch("one", 1, "10.0.0.2"));
  Submit(Batch("one", 2, "10.0.0.2"));
  // The worker sits at the gate with the first batch; the second is left when it looks up.
  std::jthread stop([this] { pipeline_->Stop(); });
  ASSERT_TRUE(Eventually([this] { return !pipeline_->HasRoom(); }));
  OpenGate();
  stop.join();
  EXPECT_LE(applied_.Count(), 1);
  EXPECT_EQ(pipeline_->AppliedSequence("one"), static_cast<uint64_t>(applied_.Count()));
}

TEST_F(ObservationPipelineTest, ANewPipelineTakesOverWhatWaits) {
  Start();
  auto held = std::make_shared<HeldObservation>();
  held->id = 41;
  held->observation = Batch("", 0, "10.0.0.9").observations.front();
  held->deadline = clock_.SteadyNow() + 10s;
  BatchEffect effect;
  effect.hold.push_back(std::move(held));
  pipeline_.reset();
  store_.Apply(std::move(effect));
  Start();
  Apply(Batch("one", 1, "10.0.0.9"));
  EXPECT_EQ(store_.Held().size(), 2U);
  clock_.Advance(1s);
  AddPod("late-1", "late", "10.0.0.9");
  EXPECT_TRUE(Eventually([this] { return CountOf("late") == 2; }));
}

TEST_F(ObservationPipelineTest, AddsUpWhatCollectorsSayOfThemselves) {
  Start();
  ObservationBatch batch = Batch("one", 1, "10.0.0.2");
  batch.totals = {100, 5, 2, 1};
  Apply(batch);
  batch.sequence = 2;
  batch.totals = {150, 5, 2, 1};
  Apply(batch);
  // Sent again after a reconnect: an older total takes nothing back.
  batch.sequence = 1;
  batch.totals = {100, 5, 2, 1};
  Apply(batch);
  batch = Batch("two", 1, "10.0.0.2");
  batch.totals = {10, 0, 0, 0};
  Apply(batch);
  EXPECT_EQ(pipeline_->CollectorsTogether().totals, (CollectorTotals{160, 5, 2, 1}));
  EXPECT_EQ(metrics_.packets_received.Value(), 160);
}

// docs/regressions.md P8
TEST_F(ObservationPipelineTest, SaysWhatEachCollectorTookInAndWhatWasRefused) {
  Start();
  pipeline_->OnStreamOpen({.instance_id = "one", .component = "sniffer", .node_name = "node-1"});
  ObservationBatch batch = Batch("one", 1, "10.0.0.2", 3);
  batch.component = "sniffer";
  batch.node_name = "node-1";
  batch.observations[1].client.ip.reset();
  batch.unreadable = 2;
  batch.clock_offset = 1500ms;
  Apply(batch);
  // Known already: nothing more was taken.
  Apply(batch);
  // Waits, and is refused in the end.
  Apply(Batch("one", 2, "10.0.0.9"));
  clock_.Advance(11s);
  const auto refused = [this](Refusal refusal) {
    return pipeline_->CollectorsTogether().refused.at(static_cast<size_t>(refusal));
  };
  EXPECT_TRUE(Eventually([&] { return refused(Refusal::kExternalAddress) == 1; }));
  std::vector<CollectorAccount> collectors = pipeline_->Collectors();
  ASSERT_EQ(collectors.size(), 1U);
  const CollectorAccount& one = collectors.front();
  EXPECT_EQ(one.name.node_name, "node-1");
  EXPECT_EQ(one.open_streams, 1);
  EXPECT_EQ(one.observations, 6U);
  EXPECT_EQ(one.clock_offset, 1500ms);
  EXPECT_EQ(one.refused.at(static_cast<size_t>(Refusal::kMalformed)), 2U);
  EXPECT_EQ(one.refused.at(static_cast<size_t>(Refusal::kMissingClient)), 1U);
  EXPECT_EQ(one.refused, pipeline_->CollectorsTogether().refused);
  pipeline_->OnStreamOver("one");
  EXPECT_EQ(pipeline_->Collectors().front().open_streams, 0);
}

TEST_F(DurablePipelineTest, AcknowledgesWhatIsOnDisk) {
  Start();
  for (uint64_t sequence = 1; sequence <= 50; ++sequence) {
    Submit(Batch("one", sequence, "10.0.0.2"));
  }
  ASSERT_TRUE(applied_.WaitFor(50));
  EXPECT_EQ(pipeline_->AppliedSequence("one"), 50U);
  EXPECT_GE(store_metrics_.commits.Value(), 1);
  EXPECT_THAT(pipeline_->StoreHealth(), IsOk());
}

// docs/regressions.md P7
TEST_F(DurablePipelineTest, AcknowledgesNothingWhileTheDiskIsFull) {
  Start();
  Apply(Batch("one", 1, "10.0.0.2"));
  {
    FullDisk full;
    Submit(Batch("one", 2, "10.0.0.2"));
    for (int i = 0; i < 2000 && store_metrics_.failed_commits.Value() < 3; ++i) {
      std::this_thread::sleep_for(5ms);
    }
    EXPECT_GE(store_metrics_.failed_commits.Value(), 3);
    EXPECT_FALSE(pipeline_->StoreHealth().ok());
    EXPECT_EQ(applied_.Count(), 1);
    EXPECT_EQ(pipeline_->AppliedSequence("one"), 1U);
    // Asked for before it is acknowledged: on the map already.
    EXPECT_EQ(CountOf("db"), 2U);
  }
  ASSERT_TRUE(applied_.WaitFor(2));
  EXPECT_THAT(pipeline_->StoreHealth(), IsOk());
}

TEST_F(DurablePipelineTest, LeavesWhatIsHeldToTheNextLife) {
  Start();
  Apply(Batch("one", 1, "10.0.0.9"));
  pipeline_->Stop();
  EXPECT_EQ(store_.Held().size(), 1U);
  EXPECT_EQ(store_.CommittedSequence("one"), 1U);
}

// The pod is known only after both collectors saw it.
TEST_F(ObservationPipelineTest, ACallBetweenNodesCountsOnceAlsoWhenItWasHeld) {
  Start();
  for (const std::string node : {"node-1", "node-2"}) {
    ObservationBatch batch = Batch(node, 1, "10.0.0.2");
    batch.node_name = node;
    batch.observations[0].client.ip = FakeInventoryView::Ip("10.0.0.3");
    Apply(std::move(batch));
  }
  EXPECT_EQ(CountOf("db"), 0U);
  inventory_.Write([&](FakeInventoryView& view) {
    PodFacts young;
    young.name = "young-1";
    young.name_space = "shop";
    young.node = std::make_shared<const std::string>("node-1");
    young.workload = FakeInventoryView::MakeWorkload("shop", "young");
    view.AddPod(young, {"10.0.0.3"});
    ++version_;
  });
  clock_.Advance(1s);
  EXPECT_TRUE(Eventually([this] { return store_.Held().empty(); }));
  EXPECT_EQ(CountOf("db"), 1U);
}

// docs/decisions/0004: the client's node counts, also if its collector reports to another mapper.
TEST_F(ObservationPipelineTest, ACallBetweenNodesDoesNotCountHereWhenItDoesElsewhere) {
  inventory_.Write([&](FakeInventoryView& view) {
    PodFacts away;
    away.name = "away-1";
    away.name_space = "shop";
    away.node = std::make_shared<const std::string>("node-1");
    away.workload = FakeInventoryView::MakeWorkload("shop", "away");
    view.AddPod(away, {"10.0.0.3"});
    ++version_;
  });
  Start();
  const auto report = [this](uint64_t sequence) {
    ObservationBatch batch = Batch("node-2", sequence, "10.0.0.2");
    batch.node_name = "node-2";
    batch.observations[0].client.ip = FakeInventoryView::Ip("10.0.0.3");
    Apply(std::move(batch));
  };
  for (int minute = 0; minute < 8; ++minute) {
    clock_.Advance(1min);
    pipeline_->HearElsewhere({"node-1"});
    report(static_cast<uint64_t>(minute) + 1);
  }
  EXPECT_EQ(CountOf("db"), 0U);
  // Nobody hears of node-1 any more.
  clock_.Advance(6min);
  report(9);
  EXPECT_EQ(CountOf("db"), 1U);
}

// A Kafka watcher on a node says nothing of a sniffer there.
TEST_F(ObservationPipelineTest, ANodeWithAKafkaWatcherAloneCountsNothingItself) {
  inventory_.Write([&](FakeInventoryView& view) {
    PodFacts away;
    away.name = "away-1";
    away.name_space = "shop";
    away.node = std::make_shared<const std::string>("node-1");
    away.workload = FakeInventoryView::MakeWorkload("shop", "away");
    view.AddPod(away, {"10.0.0.3"});
    ++version_;
  });
  Start();
  clock_.Advance(6min);
  ObservationBatch watcher = Batch("watcher", 1, "10.0.0.2");
  watcher.component = "kafka-watcher";
  watcher.node_name = "node-1";
  watcher.observations.clear();
  Apply(std::move(watcher));
  ObservationBatch batch = Batch("node-2", 1, "10.0.0.2");
  batch.component = "sniffer";
  batch.node_name = "node-2";
  batch.observations[0].client.ip = FakeInventoryView::Ip("10.0.0.3");
  Apply(std::move(batch));
  EXPECT_EQ(CountOf("db"), 1U);
}

}  // namespace
}  // namespace network_mapper
