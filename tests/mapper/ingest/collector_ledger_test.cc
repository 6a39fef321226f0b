#include "mapper/ingest/collector_ledger.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace network_mapper {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Time At(int seconds) {
  return Time(std::chrono::seconds(1767225600 + seconds));
}

CollectorInstance Sniffer(const std::string& instance, const std::string& node) {
  return {.instance_id = instance, .component = "sniffer", .node_name = node};
}

ObservationBatch BatchOf(const CollectorInstance& name, const CollectorTotals& totals) {
  ObservationBatch batch;
  batch.instance_id = name.instance_id;
  batch.component = name.component;
  batch.node_name = name.node_name;
  batch.totals = totals;
  return batch;
}

std::vector<std::string> Instances(const CollectorLedger& ledger) {
  std::vector<std::string> instances;
  for (const CollectorAccount& account : ledger.Current()) {
    instances.push_back(account.name.instance_id);
  }
  return instances;
}

TEST(CollectorLedger, ForgetsTheLongestSilentInstance) {
  CollectorLedger ledger(2);
  auto contact = [&ledger](const char* instance, uint64_t packets, int second) {
    ledger.Contact(BatchOf(Sniffer(instance, instance), {.packets_received = packets}), At(second));
  };
  contact("one", 1, 1);
  contact("two", 1, 2);
  contact("one", 2, 3);
  contact("three", 1, 4);
  // "one" is still known: nothing new. "two" is not: counted again.
  contact("one", 2, 5);
  EXPECT_EQ(ledger.Sums().totals.packets_received, 4U);
  contact("two", 1, 6);
  EXPECT_EQ(ledger.Sums().totals.packets_received, 5U);
}

TEST(CollectorLedger, ShowsTheInstanceThatTookAnothersPlace) {
  CollectorLedger ledger;
  ledger.OpenStream(Sniffer("old", "a"), At(1));
  ledger.OpenStream(Sniffer("b", "b"), At(1));
  ledger.EndStream("old");
  EXPECT_THAT(Instances(ledger), ElementsAre("old", "b"));
  ledger.OpenStream(Sniffer("new", "a"), At(2));
  EXPECT_THAT(Instances(ledger), ElementsAre("new", "b"));
  // A late batch of the old one does not bring it back, but counts.
  ledger.Contact(BatchOf(Sniffer("old", "a"), {.packets_received = 7}), At(3));
  EXPECT_THAT(Instances(ledger), ElementsAre("new", "b"));
  EXPECT_EQ(ledger.Sums().totals.packets_received, 7U);
  // Two that are alive are both shown.
  ledger.OpenStream(Sniffer("old", "a"), At(4));
  EXPECT_THAT(Instances(ledger), ElementsAre("new", "old", "b"));
}

TEST(CollectorLedger, IsConnectedUntilItsLastStreamIsOver) {
  CollectorLedger ledger;
  ledger.OpenStream(Sniffer("one", "a"), At(1));
  // The newer stream takes over before the older is over.
  ledger.OpenStream(Sniffer("one", "a"), At(2));
  ledger.EndStream("one");
  EXPECT_EQ(ledger.Current().front().open_streams, 1);
  ledger.EndStream("one");
  ledger.EndStream("one");
  ledger.EndStream("unknown");
  EXPECT_EQ(ledger.Current().front().open_streams, 0);
  EXPECT_EQ(ledger.Current().front().first_contact, At(1));
  EXPECT_EQ(ledger.Current().front().last_contact, At(2));
}

TEST(CollectorLedger, AnInstanceThatGoesOnElsewhereKeepsItsAccount) {
  CollectorLedger ledger;
  CollectorInstance watcher{.instance_id = "k", .component = "kafka-watcher", .node_name = "a"};
  ledger.Contact(BatchOf(watcher, {.log_lines_read = 5, .notices = {"silent"}}), At(1));
  EXPECT_THAT(ledger.Current().front().totals.notices, ElementsAre("silent"));
  watcher.node_name = "b";
  ledger.OpenStream(watcher, At(2));
  ledger.Contact(BatchOf(watcher, {.log_lines_read = 7}), At(3));
  ASSERT_EQ(ledger.Current().size(), 1U);
  EXPECT_EQ(ledger.Current().front().name.node_name, "b");
  EXPECT_EQ(ledger.Current().front().totals.log_lines_read, 7U);
  EXPECT_THAT(ledger.Current().front().totals.notices, IsEmpty());
  EXPECT_EQ(ledger.Sums().totals.log_lines_read, 7U);
}

TEST(CollectorLedger, ReportsWithoutAnInstanceHaveNoTotals) {
  CollectorLedger ledger;
  EXPECT_THAT(ledger.Current(), IsEmpty());
  ObservationBatch batch = BatchOf({.instance_id = "", .component = "graphql", .node_name = ""},
                                   {.packets_received = 9});
  ledger.Contact(batch, At(1));
  ledger.Take("", 3, {});
  EXPECT_EQ(ledger.Sums().totals.packets_received, 0U);
  EXPECT_EQ(ledger.Sums().observations, 3U);
  ASSERT_EQ(ledger.Current().size(), 1U);
  EXPECT_EQ(ledger.Current().front().observations, 3U);
}

}  // namespace
}  // namespace network_mapper
