#include "istio-watcher/scrape/scrape_schedule.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace network_mapper::istio {
namespace {

using std::chrono::seconds;

TEST(ScrapeSchedule, RoundsGetLongerWithTheProxies) {
  const ScheduleOptions options{.interval = seconds(30), .pause = seconds(15)};
  EXPECT_EQ(PlanRound(options, 1).length, seconds(30));
  EXPECT_EQ(PlanRound(options, 1).window, seconds(15));
  EXPECT_EQ(PlanRound(options, 3000).length, seconds(30));
  EXPECT_EQ(PlanRound(options, 10'000).window, seconds(50));
  EXPECT_EQ(PlanRound(options, 10'000).length, seconds(65));
  EXPECT_EQ(PlanFirstRound(options, 200).window, seconds(1));
  EXPECT_EQ(PlanFirstRound(options, 200).length, seconds(30));
  // A pause that is as long as the interval leaves what is needed.
  EXPECT_EQ(PlanRound({.interval = seconds(5), .pause = seconds(15)}, 200).window, seconds(1));
}

TEST(ScrapeSchedule, SpreadsProxiesAndNotAlikeEachTime) {
  std::minstd_rand random(7);
  const auto one = SpreadOver(seconds(15), 100, random);
  const auto two = SpreadOver(seconds(15), 100, random);
  ASSERT_EQ(one.size(), 100U);
  EXPECT_TRUE(std::is_sorted(one.begin(), one.end()));
  EXPECT_NE(one, two);
  for (size_t i = 0; i < one.size(); ++i) {
    EXPECT_GE(one[i], std::chrono::milliseconds(150) * static_cast<int64_t>(i));
    EXPECT_LT(one[i], std::chrono::milliseconds(150) * static_cast<int64_t>(i + 1));
  }
  EXPECT_TRUE(SpreadOver(seconds(15), 0, random).empty());
  EXPECT_EQ(SpreadOver(std::chrono::nanoseconds(0), 3, random).size(), 3U);
}

}  // namespace
}  // namespace network_mapper::istio
