#include "mapper/ingest/completeness.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mapper/ingest/ledger_codec.h"

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
       .nodes = {"a", "b", "c"},
       .ledger = {.mapper_started = kStart,
                  .collectors = {Account("kafka-watcher", "c", true), Account("sniffer", "a", true),
                                 Account("sniffer", "b", false), Account("sniffer", "gone", true)},
                  .sums = {}},
       .other_ledgers = {}});
  EXPECT_EQ(completeness.since, kStart);
  EXPECT_EQ(completeness.nodes, 3U);
  EXPECT_EQ(completeness.reporting_nodes, 2U);
  EXPECT_THAT(completeness.silent_nodes, ElementsAre("b", "c"));
}

TEST(Completeness, TheMapMayBeOlderThanTheCounts) {
  Completeness completeness =
      JudgeCompleteness({.map_since = kStart - 24h,
                         .nodes = {},
                         .ledger = {.mapper_started = kStart, .collectors = {}, .sums = {}},
                         .other_ledgers = {}});
  EXPECT_EQ(completeness.since, kStart - 24h);
  EXPECT_EQ(completeness.counted_since, kStart);
}

// A collector that changes over to another mapper tells that one its totals since its start, too.
TEST(Completeness, SeveralMappersCountACollectorOnce) {
  const auto extract = [](Time started, std::vector<CollectorAccount> collectors) {
    LedgerExtract ledger{
        .mapper_started = started, .collectors = std::move(collectors), .sums = {}};
    for (const CollectorAccount& account : ledger.collectors) {
      ledger.sums.totals.packets_received += account.totals.packets_received;
      ledger.sums.observations += account.observations;
      ledger.sums.refused.at(0) += account.refused.at(0);
    }
    ledger.kept_out = 2;
    return ledger;
  };
  CollectorAccount moved = Account("sniffer", "a", false);
  moved.totals.packets_received = 100;
  moved.observations = 10;
  CollectorAccount here = Account("sniffer", "a", true);
  here.totals.packets_received = 150;
  here.observations = 5;
  here.last_contact = kStart + 10s;
  here.clock_offset = 2s;
  CollectorAccount there = Account("sniffer", "b", true);
  there.totals.packets_received = 7;
  there.refused.at(0) = 3;
  const auto bytes = EncodeLedger(extract(kStart - 1h, {here, there}));
  const auto other = DecodeLedger(bytes);
  ASSERT_TRUE(other.has_value());
  EXPECT_EQ(EncodeLedger(*other), bytes);
  Completeness completeness = JudgeCompleteness({.map_since = std::nullopt,
                                                 .nodes = {"a", "b"},
                                                 .ledger = extract(kStart, {moved}),
                                                 .other_ledgers = {*other}});
  EXPECT_EQ(completeness.reporting_nodes, 2U);
  EXPECT_EQ(completeness.counted_since, kStart - 1h);
  EXPECT_EQ(completeness.sums.totals.packets_received, 157U);
  EXPECT_EQ(completeness.sums.observations, 15U);
  EXPECT_EQ(completeness.kept_out, 4U);
  EXPECT_EQ(completeness.sums.refused.at(0), 3U);
  ASSERT_EQ(completeness.collectors.size(), 2U);
  EXPECT_EQ(completeness.collectors[0].totals.packets_received, 150U);
  EXPECT_EQ(completeness.collectors[0].observations, 15U);
  EXPECT_EQ(completeness.collectors[0].open_streams, 1);
  EXPECT_EQ(completeness.collectors[0].clock_offset, 2s);
  EXPECT_FALSE(DecodeLedger("\xff").has_value());
}

TEST(Completeness, MetricsShowTheWorstOfThoseThatAreConnected) {
  MetricsRegistry registry;
  CompletenessMetrics metrics(registry);
  CollectorAccount ahead = Account("sniffer", "a", true);
  ahead.clock_offset = -3s;
  CollectorAccount gone = Account("sniffer", "b", false);
  gone.clock_offset = 60s;
  gone.last_contact = kStart - 1h;
  metrics.Set(JudgeCompleteness(
                  {.map_since = std::nullopt,
                   .nodes = {"a", "b"},
                   .ledger = {.mapper_started = kStart, .collectors = {ahead, gone}, .sums = {}},
                   .other_ledgers = {}}),
              kStart + 20s);
  EXPECT_EQ(metrics.nodes.Value(), 2);
  EXPECT_EQ(metrics.silent_nodes.Value(), 1);
  EXPECT_EQ(metrics.oldest_contact_seconds.Value(), 20);
  EXPECT_EQ(metrics.clock_offset_seconds.Value(), 3);
}

}  // namespace
}  // namespace network_mapper
