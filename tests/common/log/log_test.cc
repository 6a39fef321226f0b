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

TEST(Log, LeavesOutFieldsWithoutText) {
  testing::internal::CaptureStderr();
  LogWarn("refused", {{"node", ""}, {"peer", "10.0.0.1"}, {"count", 0}});
  const std::string line = testing::internal::GetCapturedStderr();
  EXPECT_NE(line.find(R"("msg":"refused","peer":"10.0.0.1","count":0})"), std::string::npos)
      << line;
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
