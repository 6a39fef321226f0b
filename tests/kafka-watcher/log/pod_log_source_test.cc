#include "kafka-watcher/log/pod_log_source.h"

#include <random>

#include "tests/kafka-watcher/log/kube_log_test.h"
#include "tests/support/process_memory.h"

namespace network_mapper::kafka {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using PodLogSourceTest = KubeLogTest;

TEST_F(PodLogSourceTest, ReadsARunningContainerFromNowOn) {
  Apply("b-0", {});
  Logs().Write(Key("b-0"), Stamp() - std::chrono::minutes(1), AuditLine("old"));
  Logs().Write(Key("b-0"), Stamp() - std::chrono::milliseconds(1), AuditLine("just before"));
  StartAndWait();
  Write("b-0", "new");
  ASSERT_TRUE(Read("new"));
  EXPECT_THAT(ledger_.read, ElementsAre(std::pair("new", 1)));
  const LogState state = source_->States().front();
  EXPECT_EQ(state.name, "b-0.kafka/kafka");
  EXPECT_EQ(state.broker.pod, "b-0");
  EXPECT_EQ(state.broker.name_space, "kafka");
  EXPECT_EQ(state.image, "kafka:4.1");
  EXPECT_EQ(state.error, "");
  EXPECT_GE(state.lag, 0);
  EXPECT_LT(state.lag, 5);
  EXPECT_TRUE(state.reading_since.has_value());
  EXPECT_EQ(state.counts.gaps, 0U);
  EXPECT_THAT(source_->Problems(), IsEmpty());
}

TEST_F(PodLogSourceTest, ReadsAYoungPodFromItsBegin) {
  StartAndWait(0);
  Logs().Write(Key("b-0"), Stamp(), AuditLine("first"));
  Apply("b-0", Young("u1"));
  ASSERT_TRUE(Read("first"));
}

TEST_F(PodLogSourceTest, GoesOnWhereItsPositionIs) {
  Apply("b-0", {});
  StartAndWait();
  Write("b-0", "a");
  ASSERT_TRUE(Read("a"));
  source_.reset();
  Write("b-0", "b");
  Start();
  Write("b-0", "c");
  ASSERT_TRUE(Read("c"));
  EXPECT_THAT(ledger_.read, ElementsAre(std::pair("a", 1), std::pair("b", 1), std::pair("c", 1)));
  EXPECT_EQ(GapsOf(*source_), 0U);
}

TEST_F(PodLogSourceTest, KeepsAPositionEvenWhenNothingWasRead) {
  Apply("b-0", {});
  StartAndWait();
  ledger_.Take(*source_);
  ASSERT_EQ(ledger_.positions.size(), 1U);
  source_.reset();
  Write("b-0", "meanwhile");
  Start();
  EXPECT_TRUE(Read("meanwhile"));
}

TEST_F(PodLogSourceTest, HandsPositionsBackWhileTheServerIsAway) {
  ledger_.positions = {PodLogPosition{.name_space = "kafka",
                                      .pod = "b-0",
                                      .pod_uid = "u1",
                                      .container = "kafka",
                                      .last_line_at = 7}};
  server_->Faults().Add(
      {.kind = stand_in::FaultKind::kForbidden, .path = "", .verb = "list", .count = 1000});
  Start();
  ASSERT_TRUE(Eventually([&] { return !source_->Problems().empty(); }));
  EXPECT_THAT(source_->Problems().front(), HasSubstr("get, list and watch on pods"));
  const auto saved = ledger_.positions;
  ledger_.Take(*source_);
  EXPECT_EQ(ledger_.positions, saved);
  server_->Faults().Clear();
  EXPECT_TRUE(ledger_.TakeUntil(*source_, [&] { return ledger_.positions.empty(); }));
}

TEST_F(PodLogSourceTest, ReadsTheRestOfTheEndedContainerAndThenTheNewOne) {
  Apply("b-0", {});
  StartAndWait();
  Write("b-0", "a");
  ASSERT_TRUE(Read("a"));
  source_.reset();
  Write("b-0", "b");
  Logs().Write(Key("b-0"), Stamp(), AuditLine("c"), false);
  Logs().Start(Key("b-0"));
  Apply("b-0", {.restarts = 1});
  Write("b-0", "d");
  Start();
  ASSERT_TRUE(Read("d"));
  EXPECT_THAT(ledger_.read, ElementsAre(std::pair("a", 1), std::pair("b", 1), std::pair("c", 1),
                                        std::pair("d", 1)));
  EXPECT_EQ(GapsOf(*source_), 0U);
  EXPECT_EQ(std::get<PodLogPosition>(ledger_.positions.front()).restart_count, 1);
}

TEST_F(PodLogSourceTest, FindsARestartThatThePodDoesNotTellOfYet) {
  Apply("b-0", {});
  StartAndWait();
  Write("b-0", "a");
  ASSERT_TRUE(Read("a"));
  Logs().Stall(Key("b-0"), true);
  Write("b-0", "b");
  Logs().BreakStreams();
  Logs().Start(Key("b-0"));
  Write("b-0", "c");
  Logs().Stall(Key("b-0"), false);
  ASSERT_TRUE(Read("c"));
  EXPECT_THAT(ledger_.read, ElementsAre(std::pair("a", 1), std::pair("b", 1), std::pair("c", 1)));
  EXPECT_EQ(GapsOf(*source_), 0U);
}

TEST_F(PodLogSourceTest, TakesThePartialLastLineOfAnEndedContainer) {
  Apply("b-0", {});
  StartAndWait();
  Logs().Write(Key("b-0"), Stamp(), AuditLine("last"), false);
  Logs().End(Key("b-0"));
  Apply("b-0", {.running = false});
  ASSERT_TRUE(Read("last"));
  Logs().Start(Key("b-0"));
  Write("b-0", "new");
  Apply("b-0", {.restarts = 1});
  ASSERT_TRUE(Read("new"));
  EXPECT_THAT(ledger_.read, ElementsAre(std::pair("last", 1), std::pair("new", 1)));
}

TEST_F(PodLogSourceTest, CountsAGapAfterTwoRestarts) {
  Apply("b-0", {});
  StartAndWait();
  Write("b-0", "a");
  ASSERT_TRUE(Read("a"));
  source_.reset();
  Write("b-0", "lost");
  Logs().Start(Key("b-0"));
  Write("b-0", "b");
  Logs().Start(Key("b-0"));
  Write("b-0", "c");
  Apply("b-0", {.restarts = 2});
  Start();
  ASSERT_TRUE(Read("c"));
  EXPECT_THAT(ledger_.read, ElementsAre(std::pair("a", 1), std::pair("b", 1), std::pair("c", 1)));
  EXPECT_EQ(GapsOf(*source_), 1U);
}

TEST_F(PodLogSourceTest, FollowsARotationAndCountsAGapWhenItMissedOne) {
  Apply("b-0", {});
  StartAndWait();
  Write("b-0", "a");
  ASSERT_TRUE(Read("a"));
  Logs().Rotate(Key("b-0"));
  Write("b-0", "b");
  ASSERT_TRUE(Read("b"));
  EXPECT_EQ(GapsOf(*source_), 0U);
  source_.reset();
  Write("b-0", "lost");
  Logs().Rotate(Key("b-0"));
  Write("b-0", "c");
  Start();
  ASSERT_TRUE(Read("c"));
  EXPECT_EQ(GapsOf(*source_), 1U);
  EXPECT_FALSE(ledger_.read.contains("lost"));
}

TEST_F(PodLogSourceTest, CountsAGapWhenLinesHadToWaitForLong) {
  Apply("b-0", {});
  PodLogOptions options = Options();
  options.most_accesses = WatchedLog::kMostLines;
  options.longest_hold_up = std::chrono::milliseconds(100);
  StartAndWait(1, options);
  constexpr size_t kMore = 3 * WatchedLog::kMostLines;
  for (size_t i = 0; i < kMore; ++i) {
    Write("b-0", fmt::format("t{}", i));
  }
  std::this_thread::sleep_for(2 * options.longest_hold_up);
  ASSERT_TRUE(Read(fmt::format("t{}", kMore - 1)));
  EXPECT_EQ(ledger_.Wrong("t", kMore), "");
  EXPECT_GE(GapsOf(*source_), 1U);
}

TEST_F(PodLogSourceTest, AsksAgainWhenAStreamFallsSilent) {
  Apply("b-0", {});
  PodLogOptions options = Options();
  options.longest_silence = std::chrono::milliseconds(100);
  StartAndWait(1, options);
  const int before = Logs().Requests(Key("b-0"));
  ASSERT_TRUE(Eventually([&] { return Logs().Requests(Key("b-0")) > before + 2; }));
  // No failure: brokers may have nothing to say.
  EXPECT_TRUE(source_->States().front().reading);
  EXPECT_EQ(source_->States().front().error, "");
  Logs().Stall(Key("b-0"), true);
  Write("b-0", "a");
  Logs().Stall(Key("b-0"), false);
  EXPECT_TRUE(Read("a"));
}

TEST_F(PodLogSourceTest, TellsAPodOfTheSameNameApart) {
  Apply("b-0", {});
  StartAndWait();
  Write("b-0", "a");
  ASSERT_TRUE(Read("a"));
  source_.reset();
  Write("b-0", "lost");
  Logs().Remove(Key("b-0"));
  Write("b-0", "b");
  Apply("b-0", {.uid = "u2"});
  Start();
  ASSERT_TRUE(Read("b"));
  EXPECT_EQ(GapsOf(*source_), 1U);
  ASSERT_EQ(ledger_.positions.size(), 1U);
  EXPECT_EQ(std::get<PodLogPosition>(ledger_.positions.front()).pod_uid, "u2");
}

TEST_F(PodLogSourceTest, ReadsADeletedPodToItsEndAndForgetsIt) {
  Apply("b-0", {});
  StartAndWait();
  Write("b-0", "a");
  ASSERT_TRUE(Read("a"));
  Logs().Stall(Key("b-0"), true);
  Write("b-0", "b");
  Logs().Write(Key("b-0"), Stamp(), AuditLine("c"), false);
  DeletePod("b-0");
  ASSERT_TRUE(Eventually([&] { return !source_->Problems().empty(); }));
  EXPECT_THAT(source_->Problems(), ElementsAre(HasSubstr("check the selector")));
  Logs().Stall(Key("b-0"), false);
  Logs().Remove(Key("b-0"));
  ASSERT_TRUE(Read("c"));
  ASSERT_TRUE(ledger_.TakeUntil(*source_, [&] { return ledger_.positions.empty(); }));
  EXPECT_THAT(source_->States(), IsEmpty());
  Write("b-0", "d");
  Apply("b-0", Young("u2"));
  ASSERT_TRUE(Read("d"));
  EXPECT_EQ(ledger_.read.size(), 4U);
  EXPECT_EQ(GapsOf(*source_), 0U);
}

// Someone took its label off and put it on again: it is the same log.
TEST_F(PodLogSourceTest, GoesOnWithAPodThatWasNotChosenForAWhile) {
  StartAndWait(0);
  Apply("b-0", Young("u1"));
  Write("b-0", "a");
  ASSERT_TRUE(Read("a"));
  DeletePod("b-0");
  Apply("b-0", Young("u1"));
  Write("b-0", "b");
  ASSERT_TRUE(Read("b"));
  DeletePod("b-0");
  ASSERT_TRUE(ledger_.TakeUntil(*source_, [&] { return source_->States().empty(); }));
  Write("b-0", "c");
  Apply("b-0", Young("u1"));
  ASSERT_TRUE(Read("c"));
  EXPECT_THAT(ledger_.read, ElementsAre(std::pair("a", 1), std::pair("b", 1), std::pair("c", 1)));
}

TEST_F(PodLogSourceTest, DoesNotWaitForeverForADeletedPod) {
  Apply("b-0", {});
  StartAndWait();
  DeletePod("b-0");
  EXPECT_TRUE(ledger_.TakeUntil(*source_, [&] { return ledger_.positions.empty(); }));
}

TEST_F(PodLogSourceTest, NamesCauseAndRemedyAndGoesOnWithTheOthers) {
  Apply("b-0", {});
  Apply("b-1", {});
  Apply("b-2", {});
  Logs().Refuse(Key("b-0"), stand_in::LogRefusal{403, "pods is forbidden"});
  Logs().Refuse(Key("b-1"), stand_in::LogRefusal{400, "container is waiting to start"});
  Start();
  const auto error_of = [&](std::string_view name) {
    for (const LogState& state : source_->States()) {
      if (state.name == name) {
        return state.error;
      }
    }
    return std::string();
  };
  ASSERT_TRUE(Eventually([&] {
    return !error_of("b-0.kafka/kafka").empty() && !error_of("b-1.kafka/kafka").empty();
  }));
  Write("b-2", "a");
  ASSERT_TRUE(Read("a"));
  EXPECT_THAT(error_of("b-0.kafka/kafka"), HasSubstr("kafka/b-0"));
  EXPECT_THAT(error_of("b-0.kafka/kafka"), HasSubstr("get on pods/log in namespace kafka"));
  EXPECT_THAT(error_of("b-1.kafka/kafka"), HasSubstr("waiting to start"));
  EXPECT_THAT(source_->Problems(), ElementsAre(HasSubstr("pods/log")));
  // Both are tried again.
  Logs().Refuse(Key("b-0"), std::nullopt);
  Logs().Refuse(Key("b-1"), std::nullopt);
  Write("b-0", "b");
  Write("b-1", "c");
  ASSERT_TRUE(Read("b"));
  ASSERT_TRUE(Read("c"));
  EXPECT_THAT(source_->Problems(), IsEmpty());
}

TEST_F(PodLogSourceTest, WaitsForAPodThatIsNotScheduled) {
  Logs().Refuse(Key("b-0"), stand_in::LogRefusal{204, ""});
  Apply("b-0", {.running = false});
  Start();
  ASSERT_TRUE(Eventually([&] { return Logs().Requests(Key("b-0")) > 1; }));
  Logs().Refuse(Key("b-0"), std::nullopt);
  Write("b-0", "a");
  EXPECT_TRUE(Read("a"));
}

TEST_F(PodLogSourceTest, FollowsNamedPods) {
  Apply("b-0", {});
  Apply("b-1", {});
  PodLogOptions options = Options();
  options.selectors.clear();
  options.servers = {{.pod = "b-0", .name_space = "kafka"}, {.pod = "b-9", .name_space = "kafka"}};
  StartAndWait(1, options);
  EXPECT_EQ(source_->States().front().name, "b-0.kafka/kafka");
  ASSERT_TRUE(Eventually([&] { return !source_->Problems().empty(); }));
  EXPECT_THAT(source_->Problems(), ElementsAre(HasSubstr("no pod kafka/b-9")));
  Apply("b-9", {});
  Write("b-9", "a");
  EXPECT_TRUE(Read("a"));
  EXPECT_THAT(source_->Problems(), IsEmpty());
}

TEST_F(PodLogSourceTest, ReadsNoMoreLogsThanAllowed) {
  Apply("b-0", {});
  Apply("b-1", {});
  PodLogOptions options = Options();
  options.most_logs = 1;
  StartAndWait(1, options);
  ASSERT_TRUE(Eventually([&] { return !source_->Problems().empty(); }));
  EXPECT_THAT(source_->Problems(), ElementsAre(HasSubstr("the logs of 1 pods are not read")));
  DeletePod("b-0");
  Logs().End(Key("b-0"));
  Write("b-1", "a");
  EXPECT_TRUE(Read("a"));
}

TEST_F(PodLogSourceTest, RefusesOptionsThatChooseNothing) {
  const auto client =
      std::shared_ptr<kube::Client>(*kube::Client::Create(*kube::ServerUrlAccess(server_->Url())));
  EXPECT_THAT(MakePodLogSource({}, {}, client, metrics_),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("label selector")));
  EXPECT_THAT(MakePodLogSource({.servers = {{.pod = "b", .name_space = ""}}}, {}, client, metrics_),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("namespace")));
  EXPECT_THAT(MakePodLogSource({.selectors = {{.labels = ""}}}, {}, client, metrics_),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("every pod")));
}

TEST_F(PodLogSourceTest, GoesThroughHugeLinesAndGarbage) {
  Apply("b-0", {});
  StartAndWait();
  std::mt19937 random(5);
  std::string garbage;
  for (int i = 0; i < 100'000; ++i) {
    garbage += static_cast<char>(random());
  }
  Logs().Write(Key("b-0"), Stamp(), garbage);
  Logs().Write(Key("b-0"), Stamp(), "\xff\xfe\xc0 Principal = ");
  Write("b-0", "a");
  Logs().Write(Key("b-0"), Stamp(), std::string(size_t{10} << 20U, 'x'));
  Write("b-0", "b");
  ASSERT_TRUE(Read("b"));
  EXPECT_GE(source_->States().front().counts.overlong, 1U);
  // An overlong line counts for the position.
  source_.reset();
  Start();
  Write("b-0", "c");
  ASSERT_TRUE(Read("c"));
  EXPECT_EQ(ledger_.read.size(), 3U);
  EXPECT_EQ(source_->States().front().counts.overlong, 0U);
}

TEST_F(PodLogSourceTest, StopsAtOnce) {
  for (int i = 0; i < 10; ++i) {
    Apply(fmt::format("b-{}", i), {});
  }
  StartAndWait(10);
  for (size_t i = 0; i < WatchedLog::kMostAccesses + 100; ++i) {
    Write("b-0", fmt::format("t{}", i));
  }
  ASSERT_TRUE(Eventually(
      [&] { return source_->States().front().counts.lines > WatchedLog::kMostAccesses - 1000; }));
  const auto begun = std::chrono::steady_clock::now();
  source_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(1));
}

}  // namespace
}  // namespace network_mapper::kafka
