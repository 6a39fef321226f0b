#include "istio-watcher/watch/proxy_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace network_mapper::istio {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

Proxy MakeProxy(uint8_t number, int64_t started) {
  Proxy proxy;
  proxy.pod.bytes[15] = number;
  proxy.workload = {"shop", "web"};
  proxy.started = Time(std::chrono::seconds(started));
  proxy.is_ready = true;
  proxy.address.ports = {1};
  return proxy;
}

SteadyTime Minute(int64_t minute) {
  return SteadyTime(std::chrono::minutes(minute));
}

void Count(WatchedProxy& proxy, uint64_t value) {
  proxy.counters.BeginScrape();
  Series series;
  series.source = {"web", "shop", ""};
  series.destination = {"cart", "shop", ""};
  series.value = value;
  series.identity = 7;
  proxy.counters.Take(series);
  proxy.counters.EndScrape(ScrapeEnd::kComplete, Time(std::chrono::seconds(100)));
  proxy.was_read = true;
}

class ProxyTableTest : public ::testing::Test {
 protected:
  DeltaOptions options_;
  SeriesBudget budget_{100};
  ProxyTable table_{options_, budget_};
};

TEST_F(ProxyTableTest, ReadsThoseThatAreReady) {
  Proxy starting = MakeProxy(2, 5);
  starting.started.reset();
  Proxy unready = MakeProxy(3, 5);
  unready.is_ready = false;
  table_.Update({MakeProxy(1, 5), starting, unready}, Minute(0));
  EXPECT_THAT(table_.All(), SizeIs(2));
  EXPECT_THAT(table_.Readable(), SizeIs(1));
}

TEST_F(ProxyTableTest, SavesWhatChangedAndOnlyOnce) {
  table_.Update({MakeProxy(1, 5), MakeProxy(2, 5)}, Minute(0));
  EXPECT_THAT(table_.Changes(), IsEmpty());
  for (WatchedProxy* proxy : table_.All()) {
    Count(*proxy, 5);
  }
  EXPECT_THAT(table_.Changes(), SizeIs(2));
  EXPECT_THAT(table_.Changes(), SizeIs(2));
  table_.KeepSaved();
  EXPECT_THAT(table_.Changes(), IsEmpty());
  Count(*table_.All()[0], 5);
  EXPECT_THAT(table_.Changes(), IsEmpty());
  Count(*table_.All()[0], 6);
  EXPECT_THAT(table_.Changes(), SizeIs(1));
}

TEST_F(ProxyTableTest, AProxyThatRestartsBeginsAnew) {
  table_.Update({MakeProxy(1, 5)}, Minute(0));
  Count(*table_.All()[0], 5);
  // It was read after that start already.
  table_.Update({MakeProxy(1, 6)}, Minute(1));
  EXPECT_EQ(table_.All()[0]->counters.SeriesCount(), 1U);
  table_.Update({MakeProxy(1, 101)}, Minute(1));
  EXPECT_EQ(table_.All()[0]->counters.SeriesCount(), 0U);
  EXPECT_EQ(budget_.Used(), 0U);
  // While it does not run, what is known stays.
  Count(*table_.All()[0], 5);
  Proxy stopped = MakeProxy(1, 101);
  stopped.started.reset();
  table_.Update({stopped}, Minute(2));
  EXPECT_THAT(table_.Readable(), IsEmpty());
  EXPECT_EQ(table_.All()[0]->counters.SeriesCount(), 1U);
}

TEST_F(ProxyTableTest, APodThatIsMissingForLongIsForgotten) {
  table_.Update({MakeProxy(1, 5)}, Minute(0));
  Count(*table_.All()[0], 5);
  (void)table_.Changes();
  table_.KeepSaved();
  table_.Update({}, Minute(1));
  EXPECT_THAT(table_.Readable(), IsEmpty());
  table_.Update({}, Minute(10));
  EXPECT_THAT(table_.All(), SizeIs(1));
  table_.Update({}, Minute(11));
  EXPECT_THAT(table_.All(), IsEmpty());
  const SavedChanges changes = table_.Changes();
  ASSERT_THAT(changes, SizeIs(1));
  EXPECT_FALSE(changes.begin()->second.has_value());
  table_.KeepSaved();
  EXPECT_THAT(table_.Changes(), IsEmpty());
}

}  // namespace
}  // namespace network_mapper::istio
