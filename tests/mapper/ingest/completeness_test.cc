#include "mapper/ingest/completeness.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace network_mapper {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

const Time kStart{1767225600s};

CollectorAccount Account(const std::string& component, const std::string& node, bool connected) {
  CollectorAccount account;
  account.name = {.instance_id = component + node, .component = component, .node_name = node};
  account.open_streams = connected ? 1 : 0;
  account.last_contact = kStart;
  return account;
}

// docs/regressions.md P8
TEST(Completeness, NamesTheNodesThatNobodyWatches) {
  Completeness completeness = JudgeCompleteness(
      {.map_since = std::nullopt,
       .mapper_started = kStart,
       .nodes = {"a", "b", "c"},
       .collectors = {Account("kafka-watcher", "c", true), Account("sniffer", "a", true),
                      Account("sniffer", "b", false), Account("sniffer", "gone", true)},
       .sums = {}});
  EXPECT_EQ(completeness.since, kStart);
  EXPECT_EQ(completeness.nodes, 3U);
  EXPECT_EQ(completeness.reporting_nodes, 2U);
  EXPECT_THAT(completeness.silent_nodes, ElementsAre("b", "c"));
}

TEST(Completeness, TheMapMayBeOlderThanTheCounts) {
  Completeness completeness = JudgeCompleteness({.map_since = kStart - 24h,
                                                 .mapper_started = kStart,
                                                 .nodes = {},
                                                 .collectors = {},
                                                 .sums = {}});
  EXPECT_EQ(completeness.since, kStart - 24h);
  EXPECT_EQ(completeness.counted_since, kStart);
}

TEST(Completeness, MetricsShowTheWorstOfThoseThatAreConnected) {
  MetricsRegistry registry;
  CompletenessMetrics metrics(registry);
  CollectorAccount ahead = Account("sniffer", "a", true);
  ahead.clock_offset = -3s;
  CollectorAccount gone = Account("sniffer", "b", false);
  gone.clock_offset = 60s;
  gone.last_contact = kStart - 1h;
  metrics.Set(JudgeCompleteness({.map_since = std::nullopt,
                                 .mapper_started = kStart,
                                 .nodes = {"a", "b"},
                                 .collectors = {ahead, gone},
                                 .sums = {}}),
              kStart + 20s);
  EXPECT_EQ(metrics.nodes.Value(), 2);
  EXPECT_EQ(metrics.silent_nodes.Value(), 1);
  EXPECT_EQ(metrics.oldest_contact_seconds.Value(), 20);
  EXPECT_EQ(metrics.clock_offset_seconds.Value(), 3);
}

}  // namespace
}  // namespace network_mapper
