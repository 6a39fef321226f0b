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

// The sniffers on other nodes do not see what a client does with a topic.
TEST_F(ResolveKafka, CountsClientsOnAnyNode) {
  PodFacts away;
  away.name = "away-1";
  away.name_space = "shop";
  away.node = std::make_shared<const std::string>("node-2");
  away.workload = Make("shop", "away");
  inventory_.AddPod(away, {"10.0.0.7"});
  const SteadyTime now{std::chrono::hours(1)};
  ReportingNodes nodes(now);
  nodes.Hear("node-2", now);
  reporter_ = {.node_name = "node-1", .is_proven = true, .nodes = &nodes, .now = now};
  Observation observation = Kafka(true);
  observation.client.ip = IpAddress::Parse("10.0.0.7");
  observation.count = 12;
  EXPECT_EQ(Resolve(observation), "shop/away -> kafka/broker KAFKA");
  EXPECT_EQ(Only().count, 12U);
}

// SNAT: it could be anyone on that node or beyond it.
TEST_F(ResolveKafka, RefusesTheAddressOfANode) {
  inventory_.AddNode("192.168.0.5");
  Observation observation = Kafka(true);
  observation.client.ip = IpAddress::Parse("192.168.0.5");
  EXPECT_EQ(Resolve(observation), "refused: host_network_client");
}

// Behind a sidecar of the broker, all clients have one of these.
TEST_F(ResolveKafka, RefusesALocalAddress) {
  for (const char* address : {"127.0.0.1", "127.0.0.6", "::6", "fe80::5"}) {
    Observation observation = Kafka(true);
    observation.client.ip = IpAddress::Parse(address);
    EXPECT_EQ(Resolve(observation), "refused: unknown_client") << address;
  }
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

TEST_F(ResolveIstio, OwnersNamesWinOverCanonicalNames) {
  inventory_.AddOwnerName("shop", "store", inventory_.PodByName("shop", "web-1"));
  EXPECT_EQ(Resolve(Istio("front", "store")), "shop/web -> shop/web via store-service HTTP");
  inventory_.AddOwnerName("shop", "front-end", inventory_.PodByName("shop", "db-1"));
  EXPECT_EQ(Resolve(Istio("front-end", "store")), "shop/db -> shop/web via store-service HTTP");
}

TEST_F(ResolveIstio, AnUnansweredCallIsOnlyAnAttempt) {
  Observation observation = Istio("front", "store");
  std::get<HttpTarget>(observation.target).answered = false;
  EXPECT_EQ(Resolve(observation), "shop/web -> shop/db via store-service HTTP");
  EXPECT_EQ(Only().strength, Strength::kAttempted);
}

TEST_F(ResolveIstio, ConnectionsMakeAnIntentWithoutType) {
  Observation observation = Istio("front", "store");
  auto& target = std::get<HttpTarget>(observation.target);
  target.path.clear();
  target.methods.clear();
  target.connections_only = true;
  EXPECT_EQ(Resolve(observation), "shop/web -> shop/db via store-service");
  EXPECT_EQ(Only().strength, Strength::kConnected);
  EXPECT_EQ(Only().collector, Collector::kIstio);
  EXPECT_EQ(Only().details, nullptr);
  target.answered = false;
  EXPECT_EQ(Resolve(observation), "shop/web -> shop/db via store-service");
  EXPECT_EQ(Only().strength, Strength::kAttempted);
}

class ResolveAws : public ResolveFixture {
 protected:
  static Observation Aws() {
    Observation observation = From("10.0.0.1", Collector::kAws);
    observation.target =
        AwsTarget{"arn:aws:s3:::bills", {"s3:GetObject", "s3:PutObject"}, "", "", "", "", true};
    return observation;
  }
};

TEST_F(ResolveAws, N1FindsTheClientByAddress) {
  EXPECT_EQ(Resolve(Aws()), "shop/web -> /arn:aws:s3:::bills AWS");
  EXPECT_THAT(Only().details->aws_actions, ElementsAre("s3:GetObject", "s3:PutObject"));
  EXPECT_EQ(Only().strength, Strength::kUsed);
}

TEST_F(ResolveAws, KeepsRegionAndRoleAndWhatWasDeniedApart) {
  Observation observation = Aws();
  auto& target = std::get<AwsTarget>(observation.target);
  target.region = "eu-west-1";
  target.iam_role = "arn:aws:iam::1:role/web";
  target.allowed = false;
  EXPECT_EQ(Resolve(observation), "shop/web -> /arn:aws:s3:::bills AWS");
  EXPECT_THAT(Only().details->aws_regions, ElementsAre("eu-west-1"));
  EXPECT_THAT(Only().details->aws_roles, ElementsAre("arn:aws:iam::1:role/web"));
  EXPECT_EQ(Only().strength, Strength::kAttempted);
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

// The sniffers on other nodes do not see what a client does in AWS.
TEST_F(ResolveAws, CountsClientsOnAnyNode) {
  PodFacts away;
  away.name = "away-1";
  away.name_space = "shop";
  away.node = std::make_shared<const std::string>("node-2");
  away.workload = Make("shop", "away");
  inventory_.AddPod(away, {"10.0.0.7"});
  const SteadyTime now{std::chrono::hours(1)};
  ReportingNodes nodes(now);
  nodes.Hear("node-2", now);
  reporter_ = {.node_name = "node-1", .is_proven = true, .nodes = &nodes, .now = now};
  Observation observation = Aws();
  observation.client.ip = IpAddress::Parse("10.0.0.7");
  observation.count = 12;
  EXPECT_EQ(Resolve(observation), "shop/away -> /arn:aws:s3:::bills AWS");
  EXPECT_EQ(Only().count, 12U);
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
