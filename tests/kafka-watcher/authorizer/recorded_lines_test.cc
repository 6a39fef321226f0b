// What tests/testdata/kafka/record.sh recorded of real brokers, and what it knows to be in it.

#include <fstream>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "kafka-watcher/authorizer/authorizer_line.h"
#include "tests/support/test_paths.h"

namespace network_mapper::kafka {
namespace {

class RecordedLines : public testing::TestWithParam<const char*> {};

// As the .expected files have it.
std::string Described(const LineOutcome& outcome) {
  if (const auto* access = std::get_if<TopicAccess>(&outcome)) {
    return fmt::format("{} {} {} {}", access->allowed ? "ALLOWED" : "DENIED",
                       KafkaOperationName(access->operation), access->client.ToString(),
                       access->topic);
  }
  const auto* refusal = std::get_if<LineRefusal>(&outcome);
  return refusal == nullptr ? "-" : std::string(LineRefusalName(*refusal));
}

TEST_P(RecordedLines, AreReadAsWhatTheClientsDid) {
  std::ifstream log(TestDataPath(fmt::format("kafka/{}.log", GetParam())));
  std::ifstream expected(TestDataPath(fmt::format("kafka/{}.expected", GetParam())));
  int accesses = 0;
  std::string line;
  for (std::string wanted; std::getline(expected, wanted);) {
    ASSERT_TRUE(std::getline(log, line));
    EXPECT_EQ(Described(ParseAuthorizerLine(line)), wanted) << line;
    accesses += wanted.starts_with("ALLOWED") || wanted.starts_with("DENIED") ? 1 : 0;
  }
  EXPECT_FALSE(std::getline(log, line));
  EXPECT_GE(accesses, 69);
}

INSTANTIATE_TEST_SUITE_P(OfRealBrokers, RecordedLines,
                         testing::Values("3.9-acl-apache", "3.9-standard-apache",
                                         "3.9-standard-strimzi", "3.9-standard-json",
                                         "4-standard-apache", "4-standard-strimzi",
                                         "4-standard-json"));

}  // namespace
}  // namespace network_mapper::kafka
