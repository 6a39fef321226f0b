#include "tests/mapper/resolve/resolve_fixture.h"

namespace network_mapper {
namespace {

using ::testing::ElementsAre;

class ResolveKafka : public ResolveFixture {
 protected:
  ResolveKafka() { inventory_.AddSimplePod("kafka", "broker-0", "broker", "10.0.0.60"); }

  static Observation Kafka(bool allowed) {
    Observation observation = From("10.0.0.1", Collector::kKafka);
    observation.target =
        KafkaTarget{"broker-0", "kafka", "orders", KafkaOperation::kProduce, allowed};
    return observation;
  }
};

TEST_F(ResolveKafka, J5MakesOneTopicWithOneOperation) {
  EXPECT_EQ(Resolve(Kafka(true)), "shop/web -> kafka/broker KAFKA");
  EXPECT_EQ(Only().strength, Strength::kUsed);
  ASSERT_EQ(Only().details->kafka_topics.size(), 1U);
  EXPECT_EQ(Only().details->kafka_topics[0].topic, "orders");
  EXPECT_THAT(Only().details->kafka_topics[0].operations, ElementsAre(KafkaOperation::kProduce));
  EXPECT_TRUE(Only().server.identity->owner_kind.has_value());
}

TEST_F(ResolveKafka, J3DeniedOperationsAreOnlyAttempts) {
  EXPECT_EQ(Resolve(Kafka(false)), "shop/web -> kafka/broker KAFKA");
  EXPECT_EQ(Only().strength, Strength::kAttempted);
}

TEST_F(ResolveKafka, J4HoldsAnUnknownBroker) {
  Observation observation = Kafka(true);
  std::get<KafkaTarget>(observation.target).broker_pod = "broker-9";
  EXPECT_EQ(Resolve(observation), "hold: unknown_server");
}

class ResolveIstio : public ResolveFixture {
 protected:
  ResolveIstio() {
    inventory_.AddCanonicalName("shop", "front", inventory_.PodByName("shop", "web-1"));
    inventory_.AddCanonicalName("shop", "store", inventory_.PodByName("shop", "db-1"));
  }

  static Observation Istio(const std::string& client, const std::string& server) {
    Observation observation;
    observation.collector = Collector::kIstio;
    observation.target =
        HttpTarget{client, "shop", server, "shop", "store-service", "/cart", {HttpMethod::kGet}};
    return observation;
  }
};

TEST_F(ResolveIstio, K7FindsBothEndsByCanonicalName) {
  EXPECT_EQ(Resolve(Istio("front", "store")), "shop/web -> shop/db via store-service HTTP");
  EXPECT_EQ(Only().strength, Strength::kUsed);
  ASSERT_EQ(Only().details->http_resources.size(), 1U);
  EXPECT_EQ(Only().details->http_resources[0].path, "/cart");
  EXPECT_THAT(Only().details->http_resources[0].methods, ElementsAre(HttpMethod::kGet));
}

TEST_F(ResolveIstio, K7HoldsUnknownWorkloads) {
  EXPECT_EQ(Resolve(Istio("nobody", "store")), "hold: unknown_client");
  EXPECT_EQ(Resolve(Istio("front", "nobody"), Patience::kLastChance), "refused: unknown_server");
}

TEST_F(ResolveIstio, AnEmptyPathOrServiceIsLeftOut) {
  Observation observation = Istio("front", "store");
  std::get<HttpTarget>(observation.target).path.clear();
  std::get<HttpTarget>(observation.target).service.clear();
  EXPECT_EQ(Resolve(observation), "shop/web -> shop/db HTTP");
  EXPECT_TRUE(Only().details->http_resources.empty());
}

class ResolveAws : public ResolveFixture {
 protected:
  static Observation Aws() {
    Observation observation = From("10.0.0.1", Collector::kAws);
    observation.target =
        AwsTarget{"arn:aws:s3:::bills", {"s3:GetObject", "s3:PutObject"}, "", "", ""};
    return observation;
  }
};

TEST_F(ResolveAws, N1FindsTheClientByAddress) {
  EXPECT_EQ(Resolve(Aws()), "shop/web -> /arn:aws:s3:::bills AWS");
  EXPECT_THAT(Only().details->aws_actions, ElementsAre("s3:GetObject", "s3:PutObject"));
  EXPECT_EQ(Only().strength, Strength::kUsed);
}

TEST_F(ResolveAws, N1TakesANamedClientAsItIs) {
  Observation observation = Aws();
  observation.client.ip.reset();
  std::get<AwsTarget>(observation.target).client_name = "lambda";
  std::get<AwsTarget>(observation.target).client_namespace = "cloud";
  EXPECT_EQ(Resolve(observation), "cloud/lambda -> /arn:aws:s3:::bills AWS");
  options_.excluded_namespaces = {"cloud"};
  EXPECT_EQ(Resolve(observation), "refused: excluded_namespace");
}

TEST_F(ResolveAws, AnOperationWithoutResourceIsMalformed) {
  Observation observation = Aws();
  std::get<AwsTarget>(observation.target).resource_arn.clear();
  EXPECT_EQ(Resolve(observation), "refused: malformed");
}

TEST(Refusal, EveryReasonHasItsOwnName) {
  std::vector<std::string_view> names;
  for (Refusal refusal : kAllRefusals) {
    names.push_back(RefusalName(refusal));
  }
  EXPECT_THAT(names, ::testing::Each(::testing::Not(::testing::IsEmpty())));
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

}  // namespace
}  // namespace network_mapper
