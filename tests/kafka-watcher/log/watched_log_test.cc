#include "kafka-watcher/log/watched_log.h"

#include <chrono>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace network_mapper::kafka {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

Time At(int seconds) {
  return Time(std::chrono::seconds(1'700'000'000 + seconds));
}

LogPosition Offset(uint64_t offset) {
  return FileLogPosition{.path = "/logs/a.log", .device = 1, .inode = 2, .offset = offset};
}

uint64_t OffsetOf(const Harvest& harvest) {
  return std::get<FileLogPosition>(harvest.position.value()).offset;
}

std::string AccessOf(std::string_view client, std::string_view topic,
                     std::string_view operation = "READ", std::string_view decision = "Allowed") {
  return "DEBUG Principal = User:a is " + std::string(decision) +
         " operation = " + std::string(operation) + " from host = " + std::string(client) +
         " on resource = Topic:LITERAL:" + std::string(topic) +
         " for request = Fetch with resourceRefCount = 7 based on rule DefaultAllow";
}

std::string Describe(const Observation& observation) {
  const auto& target = std::get<KafkaTarget>(observation.target);
  return observation.client.ip->ToString() + " " + target.topic + " " +
         std::string(KafkaOperationName(target.operation)) +
         (target.allowed ? " allowed x" : " denied x") + std::to_string(observation.count);
}

std::vector<std::string> Describe(const Harvest& harvest) {
  std::vector<std::string> all;
  for (const Observation& observation : harvest.observations) {
    all.push_back(Describe(observation));
  }
  return all;
}

class WatchedLogTest : public ::testing::Test {
 protected:
  // One batch: the lines, a second apart.
  bool Take(const std::vector<std::string>& texts, uint64_t offset, int seconds = 0) {
    std::vector<LogLine> lines;
    lines.reserve(texts.size());
    for (const std::string& text : texts) {
      lines.push_back({.text = text, .written_at = At(seconds++)});
    }
    return log_.TakeLines(lines, Offset(offset));
  }

  // So many accesses that differ by their topics, from number `first` on.
  static std::vector<std::string> Accesses(size_t first, size_t count) {
    std::vector<std::string> lines;
    for (size_t i = first; i < first + count; ++i) {
      lines.push_back(AccessOf("10.1.2.3", "t" + std::to_string(i)));
    }
    return lines;
  }

  WatchedLog log_{{.pod = "broker-0", .name_space = "kafka"}};
};

TEST_F(WatchedLogTest, HasNoPositionBeforeAnythingWasRead) {
  const Harvest harvest = log_.Take();
  EXPECT_THAT(harvest.observations, IsEmpty());
  EXPECT_FALSE(harvest.position.has_value());
  EXPECT_EQ(log_.Broker().pod, "broker-0");
}

TEST_F(WatchedLogTest, MakesOneObservationOfEqualAccesses) {
  ASSERT_TRUE(Take({AccessOf("10.1.2.3", "orders"), AccessOf("10.1.2.3", "orders")}, 100, 5));
  ASSERT_TRUE(Take({"INFO started", AccessOf("10.1.2.3", "orders")}, 200, 1));
  const Harvest harvest = log_.Take();
  ASSERT_THAT(harvest.observations, SizeIs(1));
  const Observation& observation = harvest.observations.front();
  EXPECT_EQ(observation.collector, Collector::kKafka);
  EXPECT_EQ(observation.count, 3U);
  // The times of the earliest and the latest line, in whatever order they came.
  EXPECT_EQ(observation.first_seen, At(2));
  EXPECT_EQ(observation.last_seen, At(6));
  EXPECT_EQ(observation.client.ip, IpAddress::Parse("10.1.2.3"));
  EXPECT_FALSE(observation.client.pod_uid.has_value());
  const auto& target = std::get<KafkaTarget>(observation.target);
  EXPECT_EQ(target.broker_pod, "broker-0");
  EXPECT_EQ(target.broker_namespace, "kafka");
  EXPECT_EQ(target.topic, "orders");
  EXPECT_EQ(target.operation, KafkaOperation::kConsume);
  EXPECT_TRUE(target.allowed);
  EXPECT_EQ(OffsetOf(harvest), 200U);
}

TEST_F(WatchedLogTest, KeepsWhatDiffersApartAndInOrder) {
  ASSERT_TRUE(Take({AccessOf("10.1.2.4", "a"), AccessOf("10.1.2.3", "b"),
                    AccessOf("10.1.2.3", "a", "WRITE"), AccessOf("10.1.2.3", "a", "READ", "Denied"),
                    AccessOf("fd00::1", "a"), AccessOf("10.1.2.3", "a"), AccessOf("10.1.2.4", "a")},
                   1));
  EXPECT_THAT(
      Describe(log_.Take()),
      ::testing::ElementsAre("10.1.2.3 a CONSUME denied x1", "10.1.2.3 a CONSUME allowed x1",
                             "10.1.2.3 a PRODUCE allowed x1", "10.1.2.3 b CONSUME allowed x1",
                             "10.1.2.4 a CONSUME allowed x2", "fd00::1 a CONSUME allowed x1"));
}

TEST_F(WatchedLogTest, BeginsAnewWithEachHarvestAndKeepsThePosition) {
  ASSERT_TRUE(Take({AccessOf("10.1.2.3", "orders")}, 100));
  EXPECT_THAT(log_.Take().observations, SizeIs(1));
  const Harvest nothing = log_.Take();
  EXPECT_THAT(nothing.observations, IsEmpty());
  EXPECT_EQ(OffsetOf(nothing), 100U);
  ASSERT_TRUE(Take({AccessOf("10.1.2.3", "orders")}, 200, 50));
  const Harvest harvest = log_.Take();
  EXPECT_THAT(Describe(harvest), ::testing::ElementsAre("10.1.2.3 orders CONSUME allowed x1"));
  EXPECT_EQ(harvest.observations.front().first_seen, At(50));
}

TEST_F(WatchedLogTest, MovesWithoutLines) {
  log_.MoveTo(Offset(7));
  EXPECT_EQ(OffsetOf(log_.Take()), 7U);
  ASSERT_TRUE(log_.TakeLines({}, Offset(8)));
  EXPECT_EQ(OffsetOf(log_.Take()), 8U);
}

TEST_F(WatchedLogTest, KeepsItsOwnCopyOfTheTopic) {
  std::string text = AccessOf("10.1.2.3", "orders");
  const LogLine line{.text = text, .written_at = At(0)};
  ASSERT_TRUE(log_.TakeLines(std::span(&line, 1), Offset(1)));
  text.assign(text.size(), 'x');
  EXPECT_THAT(Describe(log_.Take()), ::testing::ElementsAre("10.1.2.3 orders CONSUME allowed x1"));
}

TEST_F(WatchedLogTest, CountsLines) {
  ASSERT_TRUE(Take({"INFO started", AccessOf("10.1.2.3", "orders"), AccessOf("127.0.0.6", "orders"),
                    "Principal = x", AccessOf("10.1.2.3", "orders", "FLY"), "INFO stopped"},
                   1));
  ASSERT_TRUE(Take({AccessOf("127.0.0.6", "orders"), "INFO"}, 2, 50));
  log_.CountOverlong();
  log_.CountGap();
  log_.CountGap();
  log_.Take();
  const LineCounts counts = log_.Counts();
  EXPECT_EQ(counts.lines, 8U);
  EXPECT_EQ(counts.accesses, 1U);
  EXPECT_EQ(counts.refused[static_cast<size_t>(LineRefusal::kHiddenClient)], 2U);
  EXPECT_EQ(counts.refused[static_cast<size_t>(LineRefusal::kMalformed)], 1U);
  EXPECT_EQ(counts.refused[static_cast<size_t>(LineRefusal::kUnknownOperation)], 1U);
  EXPECT_EQ(counts.refused[static_cast<size_t>(LineRefusal::kProbe)], 0U);
  EXPECT_EQ(counts.overlong, 1U);
  EXPECT_EQ(counts.gaps, 2U);
  EXPECT_EQ(counts.last_line, At(51));
  EXPECT_EQ(counts.last_audit_line, At(50));
}

TEST_F(WatchedLogTest, HasNoTimesOfLinesThatNeverCame) {
  EXPECT_FALSE(log_.Counts().last_line.has_value());
  ASSERT_TRUE(Take({"INFO started"}, 1));
  EXPECT_EQ(log_.Counts().last_line, At(0));
  EXPECT_FALSE(log_.Counts().last_audit_line.has_value());
}

TEST_F(WatchedLogTest, TakesABatchThatDoesNotFitWhollyOrNotAtAll) {
  ASSERT_TRUE(Take(Accesses(0, WatchedLog::kMostAccesses - 1), 100));
  // The first line would fit and the second is known.
  EXPECT_FALSE(Take({AccessOf("10.9.9.9", "x"), AccessOf("10.1.2.3", "t0"),
                     AccessOf("10.9.9.9", "y"), AccessOf("10.9.9.9", "z")},
                    200));
  EXPECT_EQ(log_.Counts().lines, WatchedLog::kMostAccesses - 1);
  // There is room for one, and always for what is known.
  EXPECT_TRUE(Take({AccessOf("10.9.9.9", "x")}, 300));
  EXPECT_TRUE(Take({AccessOf("10.9.9.9", "x"), AccessOf("10.1.2.3", "t0"), "INFO"}, 400));
  EXPECT_FALSE(Take({AccessOf("10.9.9.9", "y")}, 500));
  const Harvest harvest = log_.Take();
  EXPECT_EQ(OffsetOf(harvest), 400U);
  EXPECT_THAT(harvest.observations, SizeIs(WatchedLog::kMostAccesses));
  EXPECT_EQ(Describe(harvest.observations.back()), "10.9.9.9 x CONSUME allowed x2");
  EXPECT_EQ(Describe(harvest.observations.front()), "10.1.2.3 t0 CONSUME allowed x2");
  EXPECT_TRUE(Take({AccessOf("10.9.9.9", "y")}, 500));
  EXPECT_THAT(Describe(log_.Take()), ::testing::ElementsAre("10.9.9.9 y CONSUME allowed x1"));
}

TEST_F(WatchedLogTest, TakesTheLargestBatchAfterAHarvest) {
  // As little room as there may be.
  WatchedLog log({.pod = "broker-0", .name_space = "kafka"}, 1);
  const std::string one_more = AccessOf("10.9.9.9", "x");
  const FileLogPosition position{.path = "/log"};
  ASSERT_TRUE(log.TakeLines(std::vector<LogLine>{{one_more, At(1)}}, position));
  const std::vector<std::string> texts = Accesses(0, WatchedLog::kMostLines);
  std::vector<LogLine> largest;
  for (const std::string& text : texts) {
    largest.push_back({text, At(2)});
  }
  EXPECT_FALSE(log.TakeLines(largest, position));
  log.Take();
  EXPECT_TRUE(log.TakeLines(largest, position));
  EXPECT_THAT(log.Take().observations, SizeIs(WatchedLog::kMostLines));
}

// Each line stands for one byte of the log here, so that a harvest's position is the sum of all
// counts up to it.
TEST_F(WatchedLogTest, HarvestsJustWhatIsBeforeThePosition) {
  constexpr uint64_t kLines = 20'000;
  constexpr uint64_t kBatch = 8;
  std::jthread reader([&] {
    for (uint64_t offset = 0; offset < kLines; offset += kBatch) {
      ASSERT_TRUE(Take(Accesses(offset % 64, kBatch), offset + kBatch));
    }
  });
  uint64_t position = 0;
  uint64_t harvested = 0;
  while (position < kLines) {
    const Harvest harvest = log_.Take();
    for (const Observation& observation : harvest.observations) {
      harvested += observation.count;
    }
    position = harvest.position ? OffsetOf(harvest) : 0;
    ASSERT_EQ(harvested, position);
  }
  EXPECT_EQ(log_.Counts().accesses, kLines);
}

}  // namespace
}  // namespace network_mapper::kafka
