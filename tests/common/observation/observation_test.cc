#include "common/observation/observation.h"

#include <gtest/gtest.h>

namespace network_mapper {
namespace {

TEST(PodUid, ReadsEveryFormThatCgroupsAndTheApiUse) {
  std::optional<PodUid> uid = PodUid::Parse("1d24fefc-036b-4076-958d-366e3da868a1");
  ASSERT_TRUE(uid.has_value());
  EXPECT_EQ(PodUid::Parse("1d24fefc_036b_4076_958d_366e3da868a1"), uid);
  EXPECT_EQ(PodUid::Parse("1d24fefc036b4076958d366e3da868a1"), uid);
  EXPECT_EQ(PodUid::Parse("1D24FEFC-036B-4076-958D-366E3DA868A1"), uid);
  EXPECT_EQ(uid->ToString(), "1d24fefc-036b-4076-958d-366e3da868a1");
}

TEST(PodUid, RefusesOtherText) {
  for (const char* text :
       {"", "1d24fefc", "1d24fefc-036b-4076-958d-366e3da868a",
        "1d24fefc-036b-4076-958d-366e3da868a1a", "1d24fefc.036b.4076.958d.366e3da868a1",
        "1d24fefc-036b-4076-958d-366e3da868g1", "1d24fefc03-6b-4076-958d-366e3da868a1"}) {
    EXPECT_FALSE(PodUid::Parse(text).has_value()) << text;
  }
  EXPECT_FALSE(PodUid::FromBytes("short").has_value());
}

TEST(KafkaOperation, KnowsTheBrokersWordsInAnyCase) {
  EXPECT_EQ(ParseKafkaAuthorizerOperation("Read"), KafkaOperation::kConsume);
  EXPECT_EQ(ParseKafkaAuthorizerOperation("WRITE"), KafkaOperation::kProduce);
  EXPECT_EQ(ParseKafkaAuthorizerOperation("DescribeConfigs"), KafkaOperation::kDescribeConfigs);
  EXPECT_EQ(ParseKafkaAuthorizerOperation("DESCRIBE_CONFIGS"), KafkaOperation::kDescribeConfigs);
  EXPECT_EQ(ParseKafkaAuthorizerOperation("CLUSTER_ACTION"), KafkaOperation::kClusterAction);
  EXPECT_FALSE(ParseKafkaAuthorizerOperation("_").has_value());
  EXPECT_FALSE(ParseKafkaAuthorizerOperation("Rea").has_value());
  EXPECT_FALSE(ParseKafkaAuthorizerOperation("Reads").has_value());
  EXPECT_FALSE(ParseKafkaAuthorizerOperation("Fly").has_value());
  EXPECT_FALSE(ParseKafkaAuthorizerOperation("").has_value());
  EXPECT_EQ(KafkaOperationName(KafkaOperation::kIdempotentWrite), "IDEMPOTENT_WRITE");
}

TEST(HttpMethod, RoundTrips) {
  EXPECT_EQ(ParseHttpMethod("PATCH"), HttpMethod::kPatch);
  EXPECT_EQ(HttpMethodName(HttpMethod::kAll), "ALL");
  EXPECT_FALSE(ParseHttpMethod("HEAD").has_value());
  EXPECT_FALSE(ParseHttpMethod("get").has_value());
}

TEST(Collector, HasAName) {
  EXPECT_EQ(CollectorName(Collector::kSocketScan), "socket_scan");
}

}  // namespace
}  // namespace network_mapper
