#include "kafka-watcher/app/silent_logs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/report/collector_totals.h"

namespace network_mapper::kafka {

namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Time kNow{1'767'225'600s};

LogState Followed(const std::string& name, const std::string& image, Time since) {
  LogState log;
  log.name = name;
  log.image = image;
  log.reading = true;
  log.reading_since = since;
  return log;
}

TEST(SilentLogs, KnowsDistributionsByTheirImages) {
  EXPECT_EQ(DistributionOf("quay.io/strimzi/kafka:0.46.0-kafka-4.0.0"), Distribution::kStrimzi);
  EXPECT_EQ(DistributionOf("confluentinc/cp-kafka:7.9.0"), Distribution::kConfluent);
  EXPECT_EQ(DistributionOf("registry.example/mirror/cp-server:8.0"), Distribution::kConfluent);
  EXPECT_EQ(DistributionOf("docker.io/bitnamilegacy/kafka:3.9"), Distribution::kBitnami);
  EXPECT_EQ(DistributionOf("apache/kafka:4.1.0"), Distribution::kApache);
  EXPECT_EQ(DistributionOf(""), Distribution::kUnknown);
}

TEST(SilentLogs, WaitsForALineAsLongAsItWasTold) {
  LogState log = Followed("a", "", kNow - 5min);
  EXPECT_TRUE(IsSilent(log, 5min, kNow));
  EXPECT_FALSE(IsSilent(log, 6min, kNow));
  log.last_audit_line = kNow - 1min;
  EXPECT_FALSE(IsSilent(log, 5min, kNow));
  EXPECT_TRUE(IsSilent(log, 1min, kNow));
  log.reading = false;
  EXPECT_FALSE(IsSilent(log, 1min, kNow));
}

TEST(SilentLogs, SaysWhatToChangeInEachDistribution) {
  const std::string strimzi = "quay.io/strimzi/kafka:1";
  const std::vector<LogState> logs = {
      Followed("a", strimzi, kNow - 1h), Followed("b", strimzi, kNow - 1h),
      Followed("c", strimzi, kNow - 1h), Followed("d", "apache/kafka:4", kNow - 1h),
      Followed("e", "bitnami/kafka:4", kNow)};
  EXPECT_THAT(SilenceNotices(logs, 5min, kNow),
              ElementsAre(AllOf(HasSubstr("for 5m in a, b and 1 more. Strimzi:"),
                                HasSubstr("logger.authorizer.level: DEBUG")),
                          AllOf(HasSubstr("in d. apache/kafka:"),
                                HasSubstr("KAFKA_LOG4J_LOGGERS=kafka.authorizer.logger=DEBUG"))));
  EXPECT_THAT(SilenceNotices({}, 5min, kNow), IsEmpty());
}

TEST(SilentLogs, IsNotCutOffOnTheWay) {
  for (const char* image : {"strimzi", "cp-kafka", "bitnami", "apache/kafka", ""}) {
    const std::string name(400, 'n');
    const std::vector<LogState> logs(3, Followed(name, image, kNow - 1h));
    EXPECT_LE(SilenceNotices(logs, 5min, kNow).at(0).size(), kLongestNotice);
  }
}

}  // namespace

}  // namespace network_mapper::kafka
