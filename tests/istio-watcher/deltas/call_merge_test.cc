#include "istio-watcher/deltas/call_merge.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/report/observation_codec.h"
#include "tests/istio-watcher/deltas/series_builder.h"

namespace network_mapper::istio {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Growth MakeGrowth(Reporter reporter, uint64_t count, const std::string& client = "web",
                  Metric metric = Metric::kRequests) {
  Growth growth{{}, count, At(0), At(10)};
  growth.call.metric = metric;
  growth.call.reporter = reporter;
  growth.call.source = {"shop", client};
  growth.call.destination = {"shop", "cart"};
  if (metric == Metric::kRequests) {
    growth.call.path = "/cart";
    growth.call.method = HttpMethod::kGet;
  }
  return growth;
}

ScrapeResult Result(const std::vector<Growth>& growth) {
  ScrapeResult result;
  result.growth = growth;
  for (const Growth& one : growth) {
    if (one.call.reporter == Reporter::kSource) {
      result.sources.insert({one.call.metric, one.call.source});
    }
  }
  return result;
}

// "CLIENT PATH COUNT" for each.
std::vector<std::string> Texts(const MergedRound& round) {
  std::vector<std::string> texts;
  for (const Observation& observation : round.observations) {
    EXPECT_EQ(CheckObservation(observation), std::nullopt);
    const auto& target = std::get<HttpTarget>(observation.target);
    texts.push_back(fmt::format("{} {} {}", target.client_workload,
                                target.connections_only ? "TCP" : target.path, observation.count));
  }
  return texts;
}

TEST(CallMerge, MakesObservations) {
  CallMerge merge;
  Growth growth = MakeGrowth(Reporter::kSource, 3);
  growth.call.service = "cart-service";
  growth.call.answered = false;
  merge.Add(Result({growth}));
  const MergedRound round = merge.Take(At(10));
  ASSERT_EQ(round.observations.size(), 1U);
  const Observation& observation = round.observations[0];
  EXPECT_EQ(observation.collector, Collector::kIstio);
  EXPECT_EQ(observation.first_seen, At(0));
  EXPECT_EQ(observation.last_seen, At(10));
  EXPECT_EQ(observation.count, 3U);
  const auto& target = std::get<HttpTarget>(observation.target);
  EXPECT_EQ(target.client_namespace, "shop");
  EXPECT_EQ(target.server_workload, "cart");
  EXPECT_EQ(target.server_namespace, "shop");
  EXPECT_EQ(target.service, "cart-service");
  EXPECT_THAT(target.methods, ElementsAre(HttpMethod::kGet));
  EXPECT_FALSE(target.answered);
  EXPECT_FALSE(target.connections_only);
  EXPECT_THAT(merge.Take(At(20)).observations, IsEmpty());
}

// Nobody calls so often; many such sums would run over.
TEST(CallMerge, NoSumIsBeyondTheMostEvents) {
  CallMerge merge;
  for (int i = 0; i < 10; ++i) {
    merge.Add(Result({MakeGrowth(Reporter::kSource, uint64_t{1} << 62U)}));
  }
  EXPECT_THAT(Texts(merge.Take(At(10))), ElementsAre(fmt::format("web /cart {}", kMostEvents)));
}

TEST(CallMerge, SumsWhatTheProxiesOfAWorkloadCount) {
  CallMerge merge;
  Growth later = MakeGrowth(Reporter::kSource, 4);
  later.after = At(-5);
  later.until = At(12);
  merge.Add(Result({MakeGrowth(Reporter::kSource, 3)}));
  merge.Add(Result({later, MakeGrowth(Reporter::kSource, 1, "other")}));
  const MergedRound round = merge.Take(At(12));
  EXPECT_THAT(Texts(round), ElementsAre("other /cart 1", "web /cart 7"));
  EXPECT_EQ(round.observations[1].first_seen, At(-5));
  EXPECT_EQ(round.observations[1].last_seen, At(12));
}

TEST(CallMerge, TheClientsProxyWinsOverTheServers) {
  CallMerge merge;
  merge.Add(Result({MakeGrowth(Reporter::kDestination, 5), MakeGrowth(Reporter::kWaypoint, 5),
                    MakeGrowth(Reporter::kDestination, 2, "legacy")}));
  merge.Add(Result({MakeGrowth(Reporter::kSource, 4)}));
  const MergedRound round = merge.Take(At(10));
  EXPECT_THAT(Texts(round), ElementsAre("legacy /cart 2", "web /cart 4"));
  EXPECT_EQ(round.counted_elsewhere, 10U);
}

TEST(CallMerge, AClientThatWasFoundIsCoveredBeforeItsFirstScrape) {
  CallMerge merge;
  merge.Cover({"shop", "web"});
  merge.Add(Result({MakeGrowth(Reporter::kDestination, 5)}));
  EXPECT_THAT(Texts(merge.Take(At(10))), IsEmpty());
  // Not any more.
  merge.Add(Result({MakeGrowth(Reporter::kDestination, 6)}));
  EXPECT_THAT(Texts(merge.Take(At(20))), ElementsAre("web /cart 6"));
}

TEST(CallMerge, ASourceIsRememberedForAnHour) {
  CallMerge merge;
  merge.Add(Result({MakeGrowth(Reporter::kSource, 4)}));
  merge.Take(At(0));
  merge.Add(Result({MakeGrowth(Reporter::kDestination, 4)}));
  EXPECT_THAT(Texts(merge.Take(At(3600))), IsEmpty());
  merge.Add(Result({MakeGrowth(Reporter::kDestination, 4)}));
  EXPECT_THAT(Texts(merge.Take(At(3601))), ElementsAre("web /cart 4"));
}

TEST(CallMerge, AZtunnelCoversConnectionsNotRequests) {
  CallMerge merge;
  const Metric tcp = Metric::kTcpConnectionsOpened;
  merge.Add(Result({MakeGrowth(Reporter::kSource, 3, "web", tcp)}));
  merge.Add(Result(
      {MakeGrowth(Reporter::kDestination, 3, "web", tcp), MakeGrowth(Reporter::kWaypoint, 9)}));
  EXPECT_THAT(Texts(merge.Take(At(10))), ElementsAre("web /cart 9", "web TCP 3"));
}

TEST(CallMerge, AWaypointWinsOverTheServersOwnProxy) {
  CallMerge merge;
  merge.Add(Result({MakeGrowth(Reporter::kDestination, 9), MakeGrowth(Reporter::kWaypoint, 8)}));
  EXPECT_THAT(Texts(merge.Take(At(10))), ElementsAre("web /cart 8"));
  merge.Add(Result({MakeGrowth(Reporter::kDestination, 1)}));
  EXPECT_THAT(Texts(merge.Take(At(20))), IsEmpty());
}

}  // namespace
}  // namespace network_mapper::istio
