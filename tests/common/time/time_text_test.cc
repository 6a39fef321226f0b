#include "common/time/time_text.h"

#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"

namespace network_mapper {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

TEST(TimeText, ReadsAndWritesRfc3339) {
  for (const char* text :
       {"2024-01-02T03:04:05Z", "2024-02-29T23:59:59.678901234Z", "1970-01-01T00:00:00Z",
        "1969-12-31T23:59:59.5Z", "2199-12-31T00:00:00.1Z"}) {
    std::optional<Time> time = ParseRfc3339(text);
    ASSERT_TRUE(time.has_value()) << text;
    EXPECT_EQ(FormatRfc3339(*time), text);
  }
}

TEST(TimeText, AppliesZones) {
  EXPECT_EQ(FormatRfc3339(*ParseRfc3339("2024-01-02T03:04:05+02:30")), "2024-01-02T00:34:05Z");
  EXPECT_EQ(FormatRfc3339(*ParseRfc3339("2024-12-31t23:30:00.250-01:00")),
            "2025-01-01T00:30:00.25Z");
}

TEST(TimeText, RefusesBadTimes) {
  for (const char* text :
       {"", "2024", "2024-13-01T00:00:00Z", "2023-02-29T00:00:00Z", "2024-01-01 00:00:00Z",
        "2024-01-01T24:00:00Z", "2024-01-01T00:60:00Z", "2024-01-01T00:00:00",
        "2024-01-01T00:00:00.Z", "2024-01-01T00:00:00+25:00", "2024-01-01T00:00:00Zx",
        "0001-01-01T00:00:00Z", "9999-01-01T00:00:00Z", "2024-01-01T00:00:00+1:00"}) {
    EXPECT_FALSE(ParseRfc3339(text).has_value()) << text;
  }
}

TEST(TimeText, ReadsDurations) {
  EXPECT_EQ(ParseDuration("500ms"), milliseconds(500));
  EXPECT_EQ(ParseDuration("1m30s"), seconds(90));
  EXPECT_EQ(ParseDuration("1.5h"), minutes(90));
  EXPECT_EQ(ParseDuration("-2us"), nanoseconds(-2000));
  EXPECT_EQ(ParseDuration("0"), nanoseconds(0));
  for (const char* text : {"", "-", "30", "1 s", "s", "1d", "1e3s", "99999999h", "1ss", "--1s"}) {
    EXPECT_FALSE(ParseDuration(text).has_value()) << text;
  }
}

TEST(TimeText, WritesDurations) {
  EXPECT_EQ(FormatDuration(seconds(90)), "1m30s");
  EXPECT_EQ(FormatDuration(hours(24)), "24h");
  EXPECT_EQ(FormatDuration(milliseconds(1500)), "1s500ms");
  EXPECT_EQ(FormatDuration(nanoseconds(0)), "0s");
  EXPECT_EQ(FormatDuration(-seconds(1)), "-1s");
}

TEST(FakeClock, MovesOnlyByHand) {
  FakeClock clock;
  EXPECT_EQ(FormatRfc3339(clock.Now()), "2026-01-01T00:00:00Z");
  SteadyTime before = clock.SteadyNow();
  clock.Advance(seconds(5));
  EXPECT_EQ(clock.SteadyNow() - before, seconds(5));
  EXPECT_EQ(FormatRfc3339(clock.Now()), "2026-01-01T00:00:05Z");
}

}  // namespace
}  // namespace network_mapper
