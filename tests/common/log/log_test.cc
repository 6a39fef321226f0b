#include "common/log/log.h"

#include <gtest/gtest.h>

namespace network_mapper {
namespace {

TEST(Log, EscapesWhatWouldBreakALine) {
  EXPECT_EQ(EscapeJson("a\"b\\c\nd\x01"), "a\\\"b\\\\c\\nd\\u0001");
  EXPECT_EQ(EscapeJson("gr\xC3\xBC\xC3\x9F"), "gr\xC3\xBC\xC3\x9F");
  EXPECT_EQ(EscapeJson("bad\xFF\xC3"), "bad\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(Log, FieldsKeepTheirType) {
  EXPECT_TRUE(LogField("a", "1").Quoted());
  EXPECT_FALSE(LogField("a", 1).Quoted());
  EXPECT_EQ(LogField("a", true).Value(), "true");
  EXPECT_EQ(LogField("a", NotFound("x")).Value(), "x");
}

TEST(LogRateLimit, LetsOneThroughPerInterval) {
  LogRateLimit limit(std::chrono::seconds(10));
  std::chrono::steady_clock::time_point start(std::chrono::hours(1));
  EXPECT_TRUE(limit.Allow(start));
  EXPECT_FALSE(limit.Allow(start + std::chrono::seconds(9)));
  EXPECT_TRUE(limit.Allow(start + std::chrono::seconds(10)));
}

}  // namespace
}  // namespace network_mapper
