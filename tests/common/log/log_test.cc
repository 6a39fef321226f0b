#include "common/log/log.h"

#include <gtest/gtest.h>

namespace network_mapper {
namespace {

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
