#include "istio-watcher/deltas/proxy_counters.h"

#include <memory>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/istio-watcher/deltas/series_builder.h"

namespace network_mapper::istio {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ProxyCountersTest : public ::testing::Test {
 protected:
  ProxyCountersTest() {
    options_.watching_since = At(0);
    options_.grace = std::chrono::seconds(100);
  }

  // A proxy that started so many seconds after the watching.
  void Start(int64_t started_at) {
    proxy_ = std::make_unique<ProxyCounters>(ProxyInstance{{}, At(started_at)}, options_, budget_);
  }

  // The identity is the series' place in the list plus 1.
  ScrapeResult Scrape(int64_t at, const std::vector<uint64_t>& values) {
    std::vector<Series> series;
    for (size_t i = 0; i < values.size(); ++i) {
      series.push_back(MakeSeries(paths_.at(i), values[i], i + 1));
    }
    return ScrapeAll(at, series);
  }

  ScrapeResult ScrapeAll(int64_t at, const std::vector<Series>& all,
                         ScrapeEnd end = ScrapeEnd::kComplete) {
    proxy_->BeginScrape();
    for (const Series& series : all) {
      proxy_->Take(series);
    }
    return proxy_->EndScrape(end, At(at));
  }

  std::vector<std::string> paths_ = {"/a", "/b", "/c", "/d"};
  DeltaOptions options_;
  SeriesBudget budget_{100};
  std::unique_ptr<ProxyCounters> proxy_;
};

TEST_F(ProxyCountersTest, R1AnOlderProxysFirstScrapeIsTheBaseline) {
  Start(-1);
  EXPECT_EQ(GrowthText(Scrape(10, {5, 7})), "");
  EXPECT_EQ(GrowthText(Scrape(20, {6, 7})), "/a 1 (10, 20]");
}

TEST_F(ProxyCountersTest, R1AYoungerProxyBeginsAtZero) {
  Start(0);
  EXPECT_EQ(GrowthText(Scrape(10, {5, 7, 0})), "/a 5 (0, 10]; /b 7 (0, 10]");
  EXPECT_EQ(GrowthText(Scrape(20, {6, 7, 1})), "/a 1 (10, 20]; /c 1 (10, 20]");
}

TEST_F(ProxyCountersTest, R1OnDemandAnOlderProxyBeginsAtZeroToo) {
  options_.report_since_start = true;
  Start(-500);
  EXPECT_EQ(GrowthText(Scrape(10, {5})), "/a 5 (-500, 10]");
}

TEST_F(ProxyCountersTest, AClockThatIsAheadMakesNoTimesThatRunBackwards) {
  Start(30);
  EXPECT_EQ(GrowthText(Scrape(10, {5})), "/a 5 (10, 10]");
}

TEST_F(ProxyCountersTest, R2ASmallerValueWasReset) {
  Start(-1);
  Scrape(10, {50, 7});
  EXPECT_EQ(GrowthText(Scrape(20, {3, 0})), "/a 3 (10, 20]");
  EXPECT_EQ(GrowthText(Scrape(30, {4, 2})), "/a 1 (20, 30]; /b 2 (20, 30]");
}

TEST_F(ProxyCountersTest, R3ANewSeriesOfAKnownProxyBeginsAtZero) {
  Start(-1);
  Scrape(10, {50});
  EXPECT_EQ(GrowthText(Scrape(20, {50, 3})), "/b 3 (10, 20]");
}

TEST_F(ProxyCountersTest, R4AMissingSeriesKeepsItsValueForAWhile) {
  Start(-1);
  Scrape(10, {50, 60});
  EXPECT_EQ(GrowthText(Scrape(20, {50})), "");
  EXPECT_EQ(proxy_->SeriesCount(), 2U);
  EXPECT_EQ(GrowthText(Scrape(119, {50, 61})), "/b 1 (20, 119]");
  Scrape(120, {50});
  EXPECT_EQ(GrowthText(Scrape(130, {50, 4})), "/b 4 (120, 130]");
  Scrape(140, {50});
  Scrape(239, {50});
  EXPECT_EQ(proxy_->SeriesCount(), 2U);
  Scrape(240, {50});
  EXPECT_EQ(proxy_->SeriesCount(), 1U);
  EXPECT_EQ(budget_.Used(), 1U);
}

TEST_F(ProxyCountersTest, R4AFailedScrapeChangesNothing) {
  Start(-1);
  EXPECT_EQ(GrowthText(ScrapeAll(5, {MakeSeries("/a", 9, 1)}, ScrapeEnd::kFailed)), "");
  EXPECT_FALSE(proxy_->Snapshot().has_value());
  Scrape(10, {50, 60});
  EXPECT_EQ(GrowthText(ScrapeAll(20, {MakeSeries("/a", 55, 1)}, ScrapeEnd::kFailed)), "");
  EXPECT_EQ(GrowthText(Scrape(30, {56, 60})), "/a 6 (10, 30]");
  EXPECT_THAT(proxy_->Snapshot()->counters,
              ElementsAre(ProxySnapshot::Counter{1, 56, {}}, ProxySnapshot::Counter{2, 60, {}}));
}

TEST_F(ProxyCountersTest, R5ARestartThatIsToldAfterItsFirstReadingCountsNothingTwice) {
  Start(-1);
  Scrape(10, {50});
  EXPECT_FALSE(proxy_->GoesOnSince(At(15)));
  EXPECT_EQ(GrowthText(Scrape(20, {5})), "/a 5 (10, 20]");
  EXPECT_TRUE(proxy_->GoesOnSince(At(15)));
  EXPECT_EQ(proxy_->Proxy().started_at, At(15));
  EXPECT_EQ(GrowthText(Scrape(30, {7})), "/a 2 (20, 30]");
  EXPECT_TRUE(proxy_->GoesOnSince(At(15)));
}

TEST_F(ProxyCountersTest, R6SumsSeriesThatAreOneCall) {
  Start(0);
  Series created = MakeSeries("/a", 3, 2);
  created.response_code = "201";
  Series failed = MakeSeries("/a", 4, 3);
  failed.response_code = "503";
  failed.response_flags = "UH";
  const ScrapeResult result = ScrapeAll(10, {MakeSeries("/a", 5, 1), created, failed});
  ASSERT_EQ(result.growth.size(), 2U);
  EXPECT_FALSE(result.growth[0].call.answered);
  EXPECT_EQ(result.growth[0].count, 4U);
  EXPECT_TRUE(result.growth[1].call.answered);
  EXPECT_EQ(result.growth[1].count, 8U);
}

TEST_F(ProxyCountersTest, RotatedMetricsStandThereTwiceForAWhile) {
  Start(-1);
  Scrape(10, {100});
  const auto two = [&](int64_t at, uint64_t a, uint64_t b) {
    return GrowthText(ScrapeAll(at, {MakeSeries("/a", a, 1), MakeSeries("/a", b, 1)}));
  };
  EXPECT_EQ(two(20, 100, 5), "/a 5 (10, 20]");
  EXPECT_EQ(two(30, 100, 7), "/a 2 (20, 30]");
  EXPECT_EQ(two(40, 7, 100), "");
  EXPECT_EQ(GrowthText(Scrape(50, {8})), "/a 1 (40, 50]");
  // The new one has just the value of the old one.
  EXPECT_EQ(two(60, 8, 8), "/a 8 (50, 60]");
  const ScrapeResult three =
      ScrapeAll(70, {MakeSeries("/a", 8, 1), MakeSeries("/a", 8, 1), MakeSeries("/a", 9, 1)});
  EXPECT_EQ(three.surplus_generations, 1U);
}

TEST_F(ProxyCountersTest, SaysWhoseCallsItCounts) {
  Start(-1);
  Series other = MakeSeries("/a", 1, 2);
  other.source.name = "shop-window";
  other.metric = Metric::kTcpConnectionsOpened;
  Series served = MakeSeries("/a", 1, 3);
  served.reporter = Reporter::kDestination;
  served.source.name = "client";
  const ScrapeResult result =
      ScrapeAll(10, {MakeSeries("/a", 1, 1), other, served, MakeSeries("/b", 1, 4)});
  EXPECT_THAT(result.sources,
              ElementsAre(CallSource{Metric::kRequests, {"shop", "web"}},
                          CallSource{Metric::kTcpConnectionsOpened, {"shop", "shop-window"}}));
}

TEST_F(ProxyCountersTest, KeepsAServicesNameOnly) {
  Start(0);
  std::vector<Series> series;
  for (const char* name : {"cart", "cart.shop:8080", "InboundPassthroughCluster", "unknown", ""}) {
    series.push_back(MakeSeries("/a", 1, series.size() + 1));
    series.back().destination_service_name = name;
  }
  std::vector<std::string> services;
  for (const Growth& growth : ScrapeAll(10, series).growth) {
    services.push_back(growth.call.service);
  }
  EXPECT_THAT(services, ElementsAre("", "cart"));
}

TEST_F(ProxyCountersTest, SeriesOverTheLimitSayNothingWhenThereIsRoomAgain) {
  options_.max_series_per_proxy = 2;
  Start(-1);
  EXPECT_EQ(Scrape(10, {5, 6, 700}).series_over_limit, 1U);
  EXPECT_EQ(budget_.Used(), 2U);
  // Those that were there keep their place.
  const ScrapeResult full = Scrape(20, {6, 6, 800});
  EXPECT_EQ(GrowthText(full), "/a 1 (10, 20]");
  EXPECT_EQ(full.series_over_limit, 1U);
  const auto only_a_and_c = [&](int64_t at, uint64_t c) {
    return ScrapeAll(at, {MakeSeries("/a", 6, 1), MakeSeries("/c", c, 3)});
  };
  only_a_and_c(30, 900);
  const ScrapeResult room = only_a_and_c(140, 901);
  EXPECT_EQ(GrowthText(room), "");
  EXPECT_EQ(room.series_over_limit, 0U);
  EXPECT_EQ(GrowthText(only_a_and_c(150, 905)), "/c 4 (140, 150]");
}

// A proxy that is none may name paths and workloads without end.
TEST_F(ProxyCountersTest, TextsOfOneScrapeAreBounded) {
  options_.max_texts_per_scrape = 100;
  Start(1);
  const std::string path(50, 'x');
  const auto scrape = [&](int64_t at, uint64_t value) {
    return ScrapeAll(at, {MakeSeries(path, value, 1), MakeSeries(path + "y", value, 2),
                          MakeSeries(path, value, 3)});
  };
  const ScrapeResult first = scrape(10, 5);
  // The same call again needs no further room.
  EXPECT_EQ(GrowthText(first), path + " 10 (1, 10]");
  EXPECT_EQ(first.series_over_limit, 1U);
  // What does not grow needs none at all.
  const ScrapeResult second = scrape(20, 5);
  EXPECT_EQ(GrowthText(second), "");
  EXPECT_EQ(second.series_over_limit, 0U);
  // What is known already is not lost.
  EXPECT_EQ(GrowthText(scrape(30, 7)), path + " 4 (20, 30]");
  EXPECT_EQ(GrowthText(scrape(40, 7)), path + "y 2 (30, 40]");
}

TEST_F(ProxyCountersTest, TextsOfScrapesUnderWayShareTheirRoom) {
  options_.max_texts_per_scrape = SeriesBudget::kMostTexts;
  const std::string path(SeriesBudget::kMostTexts - 100, 'x');
  const auto over_limit = [&](ProxyCounters& proxy) {
    return proxy.EndScrape(ScrapeEnd::kComplete, At(10)).series_over_limit;
  };
  SeriesBudget budget(100);
  ProxyCounters second(ProxyInstance{{}, At(2)}, options_, budget);
  second.BeginScrape();
  {
    ProxyCounters first(ProxyInstance{{}, At(1)}, options_, budget);
    first.BeginScrape();
    first.Take(MakeSeries(path, 1, 1));
    second.Take(MakeSeries(path, 1, 1));
    EXPECT_EQ(over_limit(second), 1U);
    EXPECT_EQ(over_limit(first), 0U);
    first.BeginScrape();
    first.Take(MakeSeries(path, 2, 1));
  }
  second.BeginScrape();
  second.Take(MakeSeries(path, 1, 1));
  EXPECT_EQ(over_limit(second), 0U);
}

TEST_F(ProxyCountersTest, TheClientsOfOneScrapeAreBounded) {
  options_.max_sources = 2;
  Start(1);
  std::vector<Series> series;
  for (const char* client : {"a", "b", "c", "b"}) {
    series.push_back(MakeSeries("/x", 1, series.size()));
    series.back().source.name = client;
  }
  const ScrapeResult result = ScrapeAll(10, series);
  EXPECT_EQ(result.sources.size(), 2U);
  EXPECT_EQ(result.growth.size(), 3U);
}

TEST_F(ProxyCountersTest, AllProxiesShareOneBudget) {
  SeriesBudget budget(3);
  {
    ProxyCounters first(ProxyInstance{{}, At(1)}, options_, budget);
    ProxyCounters second(ProxyInstance{{}, At(2)}, options_, budget);
    for (ProxyCounters* proxy : {&first, &second}) {
      proxy->BeginScrape();
      proxy->Take(MakeSeries("/a", 1, 1));
      proxy->Take(MakeSeries("/b", 1, 2));
    }
    EXPECT_EQ(first.EndScrape(ScrapeEnd::kComplete, At(10)).series_over_limit, 0U);
    EXPECT_EQ(second.EndScrape(ScrapeEnd::kComplete, At(10)).series_over_limit, 1U);
    EXPECT_EQ(budget.Used(), 3U);
  }
  EXPECT_EQ(budget.Used(), 0U);
}

TEST_F(ProxyCountersTest, AProxyThatFailedTooOftenHasLostItsPast) {
  Start(5);
  for (int64_t at : {10, 20, 30}) {
    EXPECT_FALSE(proxy_->GaveUp());
    ScrapeAll(at, {}, ScrapeEnd::kPutOff);
    ScrapeAll(at, {}, ScrapeEnd::kFailed);
  }
  EXPECT_TRUE(proxy_->GaveUp());
  EXPECT_EQ(GrowthText(Scrape(40, {9})), "");
  EXPECT_FALSE(proxy_->GaveUp());
  for (int64_t at : {50, 60, 70}) {
    ScrapeAll(at, {}, ScrapeEnd::kFailed);
  }
  EXPECT_FALSE(proxy_->GaveUp());
  EXPECT_EQ(GrowthText(Scrape(80, {11})), "/a 2 (40, 80]");
}

TEST_F(ProxyCountersTest, ASnapshotGoesOnWhereItWasTaken) {
  Start(-1);
  Scrape(10, {5, 6});
  Scrape(20, {5});
  const ProxySnapshot snapshot = *proxy_->Snapshot();
  EXPECT_THAT(snapshot.counters,
              ElementsAre(ProxySnapshot::Counter{1, 5, {}}, ProxySnapshot::Counter{2, 6, At(20)}));
  options_.watching_since = At(1000);
  proxy_ = std::make_unique<ProxyCounters>(snapshot, options_, budget_);
  EXPECT_EQ(*proxy_->Snapshot(), snapshot);
  EXPECT_EQ(budget_.Used(), 2U);
  EXPECT_EQ(GrowthText(Scrape(30, {5, 8, 1})), "/b 2 (20, 30]; /c 1 (20, 30]");
}

TEST_F(ProxyCountersTest, ASnapshotThatFindsNoRoomIsCut) {
  Start(-1);
  Scrape(10, {5, 6, 7});
  const ProxySnapshot snapshot = *proxy_->Snapshot();
  options_.max_series_per_proxy = 2;
  proxy_ = std::make_unique<ProxyCounters>(snapshot, options_, budget_);
  EXPECT_EQ(proxy_->SeriesCount(), 2U);
  EXPECT_EQ(GrowthText(Scrape(20, {5, 6, 9})), "");
}

}  // namespace
}  // namespace network_mapper::istio
