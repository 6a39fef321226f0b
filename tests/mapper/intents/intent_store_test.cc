#include "mapper/intents/intent_store.h"

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/mapper/intents/sighting_builder.h"
#include "tests/support/status_matchers.h"

namespace network_mapper {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class IntentStoreTest : public ::testing::Test {
 protected:
  MetricsRegistry registry_;
  IntentStoreMetrics metrics_{registry_};
  IntentStore store_{IntentLimits{}, metrics_};
};

TEST_F(IntentStoreTest, P2KeysByClientServerAndTypeAndKeepsSelfCalls) {
  See(store_, MakeSighting("a", "b"));
  See(store_, MakeSighting("a", "b", 5));
  See(store_, MakeSighting("a", "a"));
  IntentSighting kafka = MakeSighting("a", "b");
  kafka.type = IntentType::kKafka;
  See(store_, std::move(kafka));
  See(store_, MakeSighting(MakeWorkload("shop", "a"), MakeWorkload("bank", "b")));
  EXPECT_THAT(Edges(store_), ElementsAre("shop/a -> bank/b", "shop/a -> shop/a", "shop/a -> shop/b",
                                         "shop/a -> shop/b KAFKA"));
}

TEST_F(IntentStoreTest, VisitsInTheOrderOfJoinedByteStrings) {
  // "a-b/x" < "a/x" because "-" < "/"; the pairs would sort the other way round.
  See(store_, MakeSighting(MakeWorkload("a", "x"), MakeWorkload("n", "s")));
  See(store_, MakeSighting(MakeWorkload("a-b", "x"), MakeWorkload("n", "s")));
  See(store_, MakeSighting(MakeWorkload("a", "x"), MakeWorkload("n-m", "s")));
  See(store_, MakeSighting(MakeWorkload("a", "Z"), MakeWorkload("n", "s")));
  EXPECT_THAT(Edges(store_),
              ElementsAre("a-b/x -> n/s", "a/Z -> n/s", "a/x -> n-m/s", "a/x -> n/s"));
}

TEST_F(IntentStoreTest, P3KeepsTheEarliestAndTheLatestTimeWhateverTheOrder) {
  See(store_, MakeSighting("a", "b", 50));
  See(store_, MakeSighting("a", "b", 10));
  See(store_, MakeSighting("a", "b", 30));
  WithOnlyIntent(store_, [](const Intent& intent) {
    EXPECT_EQ(intent.first_seen, At(10));
    EXPECT_EQ(intent.last_seen, At(50));
    EXPECT_EQ(intent.Count(), 3U);
  });
}

TEST_F(IntentStoreTest, P3KeepsTheFirstResolution) {
  See(store_, MakeSighting("a", "b"));
  IntentSighting dns = MakeSighting("a", "b", 5);
  dns.resolution = Resolution::kDns;
  See(store_, std::move(dns));
  WithOnlyIntent(store_, [](const Intent& intent) {
    EXPECT_EQ(ResolutionText(intent.resolution), "handleInternalTrafficTCPResult");
  });
}

TEST_F(IntentStoreTest, P3FillsInTheServiceNameThatTheFirstSightingDidNotKnow) {
  See(store_, MakeSighting("a", "b"));
  IntentSighting named = MakeSighting("a", "b", 5);
  named.kubernetes_service = Text("b-service");
  See(store_, std::move(named));
  See(store_, MakeSighting("a", "b", 10));
  WithOnlyIntent(store_, [](const Intent& intent) {
    ASSERT_NE(intent.kubernetes_service, nullptr);
    EXPECT_EQ(*intent.kubernetes_service, "b-service");
  });
}

TEST_F(IntentStoreTest, P3FillsInTheOwnerKindAndFollowsAReplacedWorkload) {
  See(store_, MakeSighting(MakeWorkload("shop", "a", std::nullopt), MakeWorkload("shop", "b")));
  See(store_, MakeSighting("a", "b", -5));
  WithOnlyIntent(store_, [](const Intent& intent) {
    EXPECT_EQ(intent.client.identity->owner_kind, DeploymentKind());
  });
  const GroupVersionKind stateful{"apps", "v1", "StatefulSet"};
  See(store_, MakeSighting(MakeWorkload("shop", "a", stateful), MakeWorkload("shop", "b"), 5));
  // Neither an older sighting nor one that knows no kind takes it back.
  See(store_, MakeSighting("a", "b", 1));
  See(store_, MakeSighting(MakeWorkload("shop", "a", std::nullopt), MakeWorkload("shop", "b"), 9));
  WithOnlyIntent(store_, [&stateful](const Intent& intent) {
    EXPECT_EQ(intent.client.identity->owner_kind, stateful);
  });
}

TEST_F(IntentStoreTest, P3ReplacesLabelsByTheNewestAndKeepsThemWhenASightingHasNone) {
  const auto labelled = [](const char* value) {
    return MakeWorkload("shop", "b", DeploymentKind(), {{"version", value}});
  };
  See(store_, MakeSighting(MakeWorkload("shop", "a"), labelled("2"), 20));
  See(store_, MakeSighting(MakeWorkload("shop", "a"), labelled("1"), 10));
  Workload bare = MakeWorkload("shop", "b");
  bare.labels = nullptr;
  See(store_, MakeSighting(MakeWorkload("shop", "a"), bare, 30));
  WithOnlyIntent(store_, [](const Intent& intent) {
    EXPECT_EQ(*intent.server.labels, (Labels{{"version", "2"}}));
  });
}

IntentSighting KafkaSighting(const std::string& topic, KafkaOperation operation) {
  IntentSighting sighting = MakeSighting("a", "broker");
  sighting.type = IntentType::kKafka;
  sighting.collector = Collector::kKafka;
  sighting.strength = Strength::kUsed;
  sighting.details = std::make_unique<IntentDetails>();
  sighting.details->kafka_topics.push_back({topic, {operation}});
  return sighting;
}

TEST_F(IntentStoreTest, P3UnitesOperationsByTopic) {
  See(store_, KafkaSighting("orders", KafkaOperation::kProduce));
  See(store_, KafkaSighting("bills", KafkaOperation::kDescribe));
  See(store_, KafkaSighting("orders", KafkaOperation::kConsume));
  See(store_, KafkaSighting("orders", KafkaOperation::kProduce));
  WithOnlyIntent(store_, [](const Intent& intent) {
    ASSERT_NE(intent.details, nullptr);
    ASSERT_EQ(intent.details->kafka_topics.size(), 2U);
    EXPECT_EQ(intent.details->kafka_topics[0].topic, "bills");
    EXPECT_THAT(intent.details->kafka_topics[1].operations,
                ElementsAre(KafkaOperation::kConsume, KafkaOperation::kProduce));
  });
}

IntentSighting DeniedSighting(const std::string& topic, KafkaOperation operation) {
  IntentSighting sighting = KafkaSighting(topic, operation);
  sighting.strength = Strength::kAttempted;
  return sighting;
}

TEST_F(IntentStoreTest, KeepsDeniedTopicsWhileNothingWasAllowed) {
  See(store_, DeniedSighting("payroll", KafkaOperation::kConsume));
  See(store_, DeniedSighting("bills", KafkaOperation::kConsume));
  WithOnlyIntent(store_, [](const Intent& intent) {
    EXPECT_EQ(intent.BestStrength(), Strength::kAttempted);
    EXPECT_EQ(intent.details->kafka_topics.size(), 2U);
  });
}

IntentSighting HttpSighting(const std::string& path, Strength strength) {
  IntentSighting sighting = MakeSighting("a", "b");
  sighting.type = IntentType::kHttp;
  sighting.collector = Collector::kIstio;
  sighting.strength = strength;
  sighting.details = std::make_unique<IntentDetails>();
  sighting.details->http_resources.push_back({path, {HttpMethod::kGet}});
  return sighting;
}

TEST_F(IntentStoreTest, HasNoDeniedPathsAmongThoseThatWereAnswered) {
  See(store_, HttpSighting("/admin", Strength::kAttempted));
  See(store_, HttpSighting("/orders", Strength::kAttempted));
  WithOnlyIntent(
      store_, [](const Intent& intent) { EXPECT_EQ(intent.details->http_resources.size(), 2U); });
  See(store_, HttpSighting("/orders", Strength::kUsed));
  See(store_, HttpSighting("/secrets", Strength::kAttempted));
  WithOnlyIntent(store_, [](const Intent& intent) {
    ASSERT_EQ(intent.details->http_resources.size(), 1U);
    EXPECT_EQ(intent.details->http_resources[0].path, "/orders");
  });
}

// Whatever comes first. An export would grant them.
TEST_F(IntentStoreTest, HasNoDeniedActionsAmongThoseThatWereAllowed) {
  const auto see = [this](const std::string& action, Strength strength) {
    IntentSighting sighting = MakeSighting("a", "arn:aws:s3:::bills");
    sighting.type = IntentType::kAws;
    sighting.collector = Collector::kAws;
    sighting.strength = strength;
    sighting.details = std::make_unique<IntentDetails>();
    sighting.details->aws_actions = {action};
    See(store_, std::move(sighting));
  };
  see("s3:DeleteObject", Strength::kAttempted);
  WithOnlyIntent(store_, [](const Intent& intent) {
    EXPECT_THAT(intent.details->aws_actions, ElementsAre("s3:DeleteObject"));
  });
  see("s3:GetObject", Strength::kUsed);
  see("s3:PutObject", Strength::kAttempted);
  WithOnlyIntent(store_, [](const Intent& intent) {
    EXPECT_THAT(intent.details->aws_actions, ElementsAre("s3:GetObject"));
  });
}

TEST_F(IntentStoreTest, HasNoDeniedTopicsAmongThoseThatWereUsed) {
  See(store_, DeniedSighting("payroll", KafkaOperation::kConsume));
  See(store_, KafkaSighting("orders", KafkaOperation::kConsume));
  See(store_, DeniedSighting("orders", KafkaOperation::kDelete));
  See(store_, DeniedSighting("bills", KafkaOperation::kConsume));
  See(store_, KafkaSighting("orders", KafkaOperation::kDescribe));
  WithOnlyIntent(store_, [](const Intent& intent) {
    EXPECT_EQ(intent.BestStrength(), Strength::kUsed);
    EXPECT_EQ(intent.Count(), 5U);
    ASSERT_EQ(intent.details->kafka_topics.size(), 1U);
    EXPECT_EQ(intent.details->kafka_topics[0].topic, "orders");
    EXPECT_THAT(intent.details->kafka_topics[0].operations,
                ElementsAre(KafkaOperation::kConsume, KafkaOperation::kDescribe));
  });
}

TEST_F(IntentStoreTest, P3UnitesMethodsByPathAndActionsByName) {
  for (const auto& [path, method] :
       {std::pair{"/cart", HttpMethod::kPost}, std::pair{"/cart", HttpMethod::kGet},
        std::pair{"/", HttpMethod::kGet}}) {
    IntentSighting http = MakeSighting("a", "web");
    http.type = IntentType::kHttp;
    http.details = std::make_unique<IntentDetails>();
    http.details->http_resources.push_back({path, {method}});
    http.details->aws_actions = {"s3:PutObject", "s3:GetObject"};
    See(store_, std::move(http));
  }
  WithOnlyIntent(store_, [](const Intent& intent) {
    ASSERT_EQ(intent.details->http_resources.size(), 2U);
    EXPECT_EQ(intent.details->http_resources[0].path, "/");
    EXPECT_THAT(intent.details->http_resources[1].methods,
                ElementsAre(HttpMethod::kGet, HttpMethod::kPost));
    EXPECT_THAT(intent.details->aws_actions, ElementsAre("s3:GetObject", "s3:PutObject"));
  });
}

// docs/regressions.md 1.1 store, P1
TEST_F(IntentStoreTest, KeepsEvidencePerCollectorAndTheStrongestStrength) {
  IntentSighting dns = MakeSighting("a", "b", 1);
  dns.collector = Collector::kDns;
  dns.strength = Strength::kResolved;
  IntentSighting answered = MakeSighting("a", "b", 2);
  answered.strength = Strength::kConnected;
  answered.count = 3;
  answered.answered = 2;
  answered.port = PortSeen{8080, Protocol::kTcp};
  IntentSighting refused = MakeSighting("a", "b", 3);
  refused.port = PortSeen{443, Protocol::kTcp};
  See(store_, std::move(answered));
  See(store_, std::move(refused));
  See(store_, std::move(dns));
  WithOnlyIntent(store_, [](const Intent& intent) {
    ASSERT_EQ(intent.evidence.size(), 2U);
    EXPECT_EQ(intent.evidence[0].collector, Collector::kDns);
    EXPECT_EQ(intent.evidence[0].strength, Strength::kResolved);
    const Evidence& tcp = intent.evidence[1];
    EXPECT_EQ(tcp.strength, Strength::kConnected);
    EXPECT_EQ(tcp.count, 4U);
    EXPECT_EQ(tcp.answered, 2U);
    EXPECT_EQ(tcp.first_seen, At(2));
    EXPECT_EQ(tcp.last_seen, At(3));
    EXPECT_THAT(tcp.ports,
                ElementsAre(PortSeen{443, Protocol::kTcp}, PortSeen{8080, Protocol::kTcp}));
    EXPECT_EQ(intent.BestStrength(), Strength::kConnected);
    EXPECT_EQ(intent.Ports().size(), 2U);
  });
}

TEST_F(IntentStoreTest, MarksWhatWentToAServiceWithSeveralWorkloads) {
  IntentSighting shared = MakeSighting("a", "b");
  shared.count = 5;
  shared.shared = true;
  See(store_, std::move(shared));
  See(store_, MakeSighting("a", "b"));
  WithOnlyIntent(store_, [](const Intent& intent) {
    EXPECT_EQ(intent.evidence[0].count, 6U);
    EXPECT_EQ(intent.evidence[0].shared_count, 5U);
  });
}

TEST_F(IntentStoreTest, KeepsTheNewestSamplesAndEachOnce) {
  int second = 0;
  for (const char* pod : {"a-1", "a-2", "a-2", "a-3", "a-4"}) {
    IntentSighting sighting = MakeSighting("a", "b", second++);
    sighting.sample.client_pod = Text(pod);
    See(store_, std::move(sighting));
  }
  WithOnlyIntent(store_, [](const Intent& intent) {
    std::vector<std::string> pods;
    for (const EvidenceSample& sample : intent.evidence[0].samples) {
      pods.push_back(*sample.client_pod);
    }
    EXPECT_THAT(pods, ElementsAre("a-2", "a-3", "a-4"));
  });
}

TEST_F(IntentStoreTest, RenewsSamplesOnceASecond) {
  for (const char* pod : {"a-1", "a-2", "a-3", "a-4", "a-5"}) {
    IntentSighting sighting = MakeSighting("a", "b");
    sighting.sample.client_pod = Text(pod);
    See(store_, std::move(sighting));
  }
  WithOnlyIntent(store_, [](const Intent& intent) {
    EXPECT_EQ(intent.evidence[0].samples.size(), 3U);
    EXPECT_EQ(*intent.evidence[0].samples.back().client_pod, "a-3");
    EXPECT_EQ(intent.evidence[0].count, 5U);
  });
}

TEST_F(IntentStoreTest, AppliesASequenceOfAnInstanceOnce) {
  EXPECT_EQ(store_.AppliedSequence("one"), 0U);
  EXPECT_TRUE(store_.Apply(Numbered("one", 1, MakeSighting("a", "b"))));
  EXPECT_FALSE(store_.Apply(Numbered("one", 1, MakeSighting("a", "b"))));
  EXPECT_TRUE(store_.Apply(Numbered("two", 1, MakeSighting("a", "b"))));
  EXPECT_TRUE(store_.Apply(Numbered("one", 2, MakeSighting("a", "b"))));
  EXPECT_FALSE(store_.Apply(Numbered("one", 1, MakeSighting("a", "c"))));
  EXPECT_EQ(store_.AppliedSequence("one"), 2U);
  EXPECT_EQ(store_.AppliedSequence("two"), 1U);
  WithOnlyIntent(store_, [](const Intent& intent) { EXPECT_EQ(intent.Count(), 3U); });
  EXPECT_EQ(metrics_.duplicate_batches.Value(), 2);
}

TEST_F(IntentStoreTest, HoldsAndSettlesObservationsWithTheBatchThatBringsThem) {
  const auto held = [](uint64_t id) {
    auto observation = std::make_shared<HeldObservation>();
    observation->id = id;
    return observation;
  };
  BatchEffect effect;
  effect.instance_id = "one";
  effect.sequence = 1;
  effect.hold = {held(8), held(7)};
  BatchEffect again;
  again.instance_id = "one";
  again.sequence = 1;
  again.hold = {held(9)};
  store_.Apply(std::move(effect));
  store_.Apply(std::move(again));
  ASSERT_EQ(store_.Held().size(), 2U);
  EXPECT_EQ(store_.Held()[0]->id, 7U);
  EXPECT_EQ(metrics_.held.Value(), 2);
  BatchEffect retry;
  retry.settled = {7};
  store_.Apply(std::move(retry));
  ASSERT_EQ(store_.Held().size(), 1U);
  EXPECT_EQ(store_.Held()[0]->id, 8U);
}

// docs/regressions.md 1.1 store
TEST_F(IntentStoreTest, ResetForgetsIntentsButNotSequencesNorWhatWaits) {
  BatchEffect effect = Numbered("one", 4, MakeSighting("a", "b"));
  effect.hold = {std::make_shared<HeldObservation>()};
  store_.Apply(std::move(effect));
  EXPECT_EQ(*store_.Forget({}, At(9)), 1U);
  EXPECT_EQ(store_.Since(), At(9));
  EXPECT_EQ(store_.Size(), 0U);
  EXPECT_THAT(Edges(store_), IsEmpty());
  EXPECT_EQ(store_.Held().size(), 1U);
  EXPECT_FALSE(store_.Apply(Numbered("one", 4, MakeSighting("a", "b"))));
  EXPECT_TRUE(store_.Apply(Numbered("one", 5, MakeSighting("a", "b"))));
  EXPECT_THAT(Edges(store_), ElementsAre("shop/a -> shop/b"));
}

TEST_F(IntentStoreTest, ResetDuringAVisitEndsIt) {
  for (size_t i = 0; i < 3 * IntentStore::kVisitChunk; ++i) {
    See(store_, MakeSighting("client" + std::to_string(i), "b"));
  }
  // The visitor must not call the store, so the reset comes from another thread, which gets its
  // turn between two chunks.
  std::jthread reset;
  size_t seen = 0;
  store_.Visit({}, [this, &reset, &seen](const Intent&) {
    if (++seen == 1) {
      reset = std::jthread([this] { EXPECT_THAT(store_.Forget({}, At(9)), IsOk()); });
    }
    return true;
  });
  reset.join();
  EXPECT_GE(seen, IntentStore::kVisitChunk);
  EXPECT_THAT(Edges(store_), IsEmpty());
}

TEST_F(IntentStoreTest, VisitStopsWhenTheVisitorSaysSo) {
  See(store_, MakeSighting("a", "b"));
  See(store_, MakeSighting("a", "c"));
  size_t seen = 0;
  store_.Visit({}, [&seen](const Intent&) {
    ++seen;
    return false;
  });
  EXPECT_EQ(seen, 1U);
}

class IntentFilterTest : public IntentStoreTest {
 protected:
  IntentFilterTest() {
    const Workload blue = MakeWorkload("shop", "web", DeploymentKind(), {{"colour", "blue"}});
    const Workload plain = MakeWorkload("bank", "till");
    const Workload empty_label = MakeWorkload("bank", "vault", DeploymentKind(), {{"colour", ""}});
    See(store_, MakeSighting(blue, plain));
    See(store_, MakeSighting(plain, empty_label));
    See(store_, MakeSighting(plain, blue));
    See(store_, MakeSighting(empty_label, plain));
  }
};

// docs/regressions.md P19
TEST_F(IntentFilterTest, NamespacesLookAtTheClientOnly) {
  IntentFilter filter;
  filter.client_namespaces = {"shop", "nowhere"};
  EXPECT_THAT(Edges(store_, filter), ElementsAre("shop/web -> bank/till"));
  filter.client_namespaces = {"Shop"};
  EXPECT_THAT(Edges(store_, filter), IsEmpty());
}

// docs/regressions.md P19
TEST_F(IntentFilterTest, ExcludedLabelsLookAtBothEndsAndAtTheExactValue) {
  IntentFilter filter;
  filter.exclude_labels = {{"colour", "blue"}};
  EXPECT_THAT(Edges(store_, filter),
              ElementsAre("bank/till -> bank/vault", "bank/vault -> bank/till"));
  filter.exclude_labels = {{"colour", ""}};
  EXPECT_THAT(Edges(store_, filter), ElementsAre("bank/till -> shop/web", "shop/web -> bank/till"));
}

TEST_F(IntentFilterTest, ServerKeepsAllIntentsOfItsClients) {
  IntentFilter filter;
  filter.server = IntentFilter::Name{"vault", "bank"};
  EXPECT_THAT(Edges(store_, filter),
              ElementsAre("bank/till -> bank/vault", "bank/till -> shop/web"));
  filter.server = IntentFilter::Name{"vault", "shop"};
  EXPECT_THAT(Edges(store_, filter), IsEmpty());
  // The set of clients is made before the other filters, which then combine with AND.
  filter.server = IntentFilter::Name{"vault", "bank"};
  filter.exclude_labels = {{"colour", ""}};
  EXPECT_THAT(Edges(store_, filter), ElementsAre("bank/till -> shop/web"));
}

// docs/regressions.md P10
TEST(IntentLimits, KeepOutWhatDoesNotFitAndCountIt) {
  MetricsRegistry registry;
  IntentStoreMetrics metrics(registry);
  IntentLimits limits;
  limits.intents = 1;
  limits.kafka_topics_per_intent = 1;
  limits.http_paths_per_intent = 1;
  limits.aws_actions_per_intent = 1;
  limits.aws_regions_per_intent = 1;
  limits.aws_roles_per_intent = 1;
  limits.ports_per_evidence = 1;
  IntentStore store(limits, metrics);
  for (uint16_t i : {uint16_t{1}, uint16_t{2}, uint16_t{1}}) {
    IntentSighting sighting = MakeSighting("a", "b");
    sighting.port = PortSeen{i, Protocol::kTcp};
    sighting.details = std::make_unique<IntentDetails>();
    sighting.details->kafka_topics.push_back({std::to_string(i), {KafkaOperation::kConsume}});
    sighting.details->http_resources.push_back({std::to_string(i), {HttpMethod::kGet}});
    sighting.details->aws_actions = {std::to_string(i)};
    sighting.details->aws_regions = {std::to_string(i)};
    sighting.details->aws_roles = {std::to_string(i)};
    See(store, std::move(sighting));
  }
  See(store, MakeSighting("a", "c"));
  EXPECT_EQ(metrics.intents_overflow.Value(), 1);
  EXPECT_EQ(metrics.topics_overflow.Value(), 1);
  EXPECT_EQ(metrics.paths_overflow.Value(), 1);
  EXPECT_EQ(metrics.actions_overflow.Value(), 1);
  EXPECT_EQ(metrics.regions_overflow.Value(), 1);
  EXPECT_EQ(metrics.roles_overflow.Value(), 1);
  EXPECT_EQ(metrics.ports_overflow.Value(), 1);
  WithOnlyIntent(store, [](const Intent& intent) {
    EXPECT_EQ(intent.Count(), 3U);
    EXPECT_EQ(intent.Ports().size(), 1U);
    EXPECT_EQ(intent.details->kafka_topics.size(), 1U);
    EXPECT_EQ(intent.details->http_resources.size(), 1U);
    EXPECT_EQ(intent.details->aws_actions.size(), 1U);
    EXPECT_EQ(intent.details->aws_regions.size(), 1U);
    EXPECT_EQ(intent.details->aws_roles.size(), 1U);
  });
}

// What a client names in AWS is its own words: it must not fill the map with them.
class AwsResourceLimitTest : public ::testing::Test {
 protected:
  AwsResourceLimitTest() : metrics_(registry_), store_(Limits(), metrics_) {}

  static IntentLimits Limits() {
    IntentLimits limits;
    limits.aws_resources_per_client = 2;
    limits.attempted_aws_resources_per_client = 1;
    return limits;
  }

  void Call(const std::string& client, const std::string& resource, Strength strength) {
    IntentSighting sighting =
        MakeSighting(MakeWorkload("shop", client), MakeWorkload("", resource, std::nullopt));
    sighting.type = IntentType::kAws;
    sighting.collector = Collector::kAws;
    sighting.strength = strength;
    See(store_, std::move(sighting));
  }

  void Use(const std::string& client, const std::string& resource) {
    Call(client, resource, Strength::kUsed);
  }

  void Attempt(const std::string& client, const std::string& resource) {
    Call(client, resource, Strength::kAttempted);
  }

  MetricsRegistry registry_;
  IntentStoreMetrics metrics_;
  IntentStore store_;
};

TEST_F(AwsResourceLimitTest, KeepsOutAndCountsWhatAClientHasTooManyOf) {
  for (const char* resource : {"a1", "a2", "a3"}) {
    Attempt("web", resource);
  }
  // What was tried takes no room from what is used.
  for (const char* resource : {"u1", "u2", "u3", "u4", "u1"}) {
    Use("web", resource);
  }
  Use("till", "u3");
  EXPECT_THAT(Edges(store_), ElementsAre("shop/till -> u3 AWS", "shop/web -> a1 AWS",
                                         "shop/web -> u1 AWS", "shop/web -> u2 AWS"));
  EXPECT_EQ(metrics_.attempted_aws_resources_overflow.Value(), 2);
  EXPECT_EQ(metrics_.aws_resources_overflow.Value(), 2);
  EXPECT_EQ(store_.KeptOut(), 4U);
  EXPECT_EQ(metrics_.intents_overflow.Value(), 0);
  // Other edges of the client are as free as ever.
  See(store_, MakeSighting("web", "till"));
  EXPECT_EQ(store_.Size(), 5U);
}

TEST_F(AwsResourceLimitTest, WhatIsPermittedAtLastIsUsedFromThenOn) {
  Attempt("web", "a1");
  Use("web", "u1");
  Use("web", "a1");
  // There is room again for one that is only tried, and none for one that is used.
  Attempt("web", "a2");
  Use("web", "a2");
  EXPECT_EQ(metrics_.aws_resources_overflow.Value(), 1);
  Attempt("web", "u1");
  std::vector<Strength> strengths;
  store_.Visit({}, [&strengths](const Intent& intent) {
    strengths.push_back(intent.BestStrength());
    return true;
  });
  EXPECT_THAT(strengths, ElementsAre(Strength::kUsed, Strength::kAttempted, Strength::kUsed));
  EXPECT_EQ(metrics_.attempted_aws_resources_overflow.Value(), 0);
}

TEST_F(AwsResourceLimitTest, WhatIsForgottenMakesRoom) {
  Use("web", "u1");
  Use("web", "u2");
  IntentSelection one;
  one.client_namespaces = {"shop"};
  ASSERT_THAT(store_.Forget(one, At(1)), IsOk());
  Use("web", "u3");
  Use("web", "u4");
  EXPECT_EQ(store_.Size(), 2U);
  ASSERT_THAT(store_.Forget(IntentSelection(), At(2)), IsOk());
  Use("web", "u5");
  Use("web", "u6");
  EXPECT_EQ(store_.Size(), 2U);
  EXPECT_EQ(metrics_.aws_resources_overflow.Value(), 0);
}

TEST(IntentLimits, ForgetTheLongestSilentInstance) {
  MetricsRegistry registry;
  IntentStoreMetrics metrics(registry);
  IntentLimits limits;
  limits.instances = 2;
  IntentStore store(limits, metrics);
  store.Apply(Numbered("one", 1, MakeSighting("a", "b")));
  store.Apply(Numbered("two", 1, MakeSighting("a", "b")));
  store.Apply(Numbered("one", 2, MakeSighting("a", "b")));
  store.Apply(Numbered("three", 1, MakeSighting("a", "b")));
  EXPECT_EQ(store.AppliedSequence("one"), 2U);
  EXPECT_EQ(store.AppliedSequence("two"), 0U);
  EXPECT_EQ(store.AppliedSequence("three"), 1U);
  EXPECT_EQ(metrics.instances_evicted.Value(), 1);
  EXPECT_EQ(metrics.instances.Value(), 2);
}

}  // namespace
}  // namespace network_mapper
