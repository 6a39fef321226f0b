#include "cli/moment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace network_mapper::cli {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

// 2026-01-01T00:00:00Z
const Time kNow{1767225600s};

TEST(Moment, IsAnAgeADayATimeOrNow) {
  EXPECT_EQ(*ParseMoment("now", kNow), kNow);
  EXPECT_EQ(*ParseMoment("24h", kNow), kNow - 24h);
  EXPECT_EQ(*ParseMoment("1h30m", kNow), kNow - 90min);
  EXPECT_EQ(*ParseMoment("30d", kNow), kNow - 720h);
  EXPECT_EQ(*ParseMoment("0", kNow), kNow);
  EXPECT_EQ(*ParseMoment("2026-01-02", kNow), kNow + 24h);
  EXPECT_EQ(*ParseMoment("2026-01-01T01:00:00+01:00", kNow), kNow);
}

TEST(Moment, RefusesEverythingElse) {
  for (const char* text : {"", "yesterday", "24", "-24h", "d", "1.5d", "-1d", "99999999999d",
                           "36501d", "2000000h", "2026-13-01", "2026-01-02T", "now "}) {
    EXPECT_THAT(ParseMoment(text, kNow),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("no point in time")))
        << text;
    EXPECT_FALSE(ParseAge(text).ok()) << text;
  }
  EXPECT_FALSE(ParseAge("now").ok());
  EXPECT_EQ(*ParseAge("7d"), 168h);
}

}  // namespace
}  // namespace network_mapper::cli
