#include "mapper/ingest/token_reviewer.h"

#include <atomic>
#include <future>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/common/kube/scripted_server.h"
#include "tests/support/status_matchers.h"

namespace network_mapper {

namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kSniffer[] = "system:serviceaccount:otterize-system:otterize-network-sniffer";

TokenRules Rules() {
  return {.audience = "network-mapper",
          .service_accounts = {"otterize-system/otterize-network-sniffer"}};
}

// What an API server answers about a token that is valid.
std::string Answer(const std::string& user) {
  return fmt::format(
      R"({{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","metadata":{{}},"status":{{"authenticated":true,)"
      R"("user":{{"username":"{}","extra":{{"authentication.kubernetes.io/node-name":["node-1"],)"
      R"("authentication.kubernetes.io/pod-name":["sniffer-x"]}}}},"audiences":["network-mapper"]}}}})",
      user);
}

std::unique_ptr<kube::Client> ClientOf(const ScriptedServer& server) {
  kube::ClusterAccess access;
  access.server = server.Url();
  return *kube::Client::Create(std::move(access));
}

StatusOr<CollectorIdentity> Identify(TokenReviewer& reviewer, const std::string& token) {
  auto verdict = std::make_shared<std::promise<StatusOr<CollectorIdentity>>>();
  reviewer.Identify(token, [verdict](StatusOr<CollectorIdentity> identity) {
    verdict->set_value(std::move(identity));
  });
  return verdict->get_future().get();
}

TEST(TokenReview, IsReadAsAnApiServerWritesIt) {
  auto review = kube::ParseTokenReview(Answer(kSniffer), "network-mapper");
  ASSERT_THAT(review, IsOk());
  EXPECT_TRUE(review->authenticated);
  EXPECT_EQ(review->user, kSniffer);
  EXPECT_EQ(review->node_name, "node-1");
}

TEST(TokenReview, OfAnotherAudienceDoesNotCount) {
  auto review = kube::ParseTokenReview(Answer(kSniffer), "vault");
  ASSERT_THAT(review, IsOk());
  EXPECT_FALSE(review->authenticated);
  EXPECT_THAT(review->error, HasSubstr("audience"));
  review = kube::ParseTokenReview(
      R"({"kind":"TokenReview","status":{"authenticated":true,"user":{"username":"a"}}})",
      "network-mapper");
  ASSERT_THAT(review, IsOk());
  EXPECT_FALSE(review->authenticated);
}

TEST(TokenReview, KeepsTheServersReason) {
  auto review = kube::ParseTokenReview(
      R"({"kind":"TokenReview","status":{"user":{},"error":"[invalid bearer token, token has expired]"}})",
      "network-mapper");
  ASSERT_THAT(review, IsOk());
  EXPECT_FALSE(review->authenticated);
  EXPECT_THAT(Judge(*review, Rules()),
              StatusIs(StatusCode::kUnauthenticated, HasSubstr("token has expired")));
}

TEST(TokenReview, IsNothingElse) {
  for (const char* json :
       {"", "[]", "{}", "null", R"({"kind":"TokenReview"})",
        R"({"kind":"Status","status":"Failure"})", R"({"kind":"TokenReview","status":[1]})"}) {
    EXPECT_FALSE(kube::ParseTokenReview(json, "network-mapper").ok()) << json;
  }
  auto review = kube::ParseTokenReview(
      R"({"kind":"TokenReview","status":{"authenticated":"yes","audiences":["network-mapper"],"user":7}})",
      "network-mapper");
  ASSERT_THAT(review, IsOk());
  EXPECT_FALSE(review->authenticated);
}

TEST(Judge, KnowsCollectorsByNamespaceAndName) {
  kube::TokenReview review{
      .authenticated = true, .error = {}, .user = kSniffer, .node_name = "node-1"};
  auto identity = Judge(review, Rules());
  ASSERT_THAT(identity, IsOk());
  EXPECT_EQ(identity->node_name, "node-1");
  for (const char* user :
       {"", "admin",
        "system:serviceaccount:", "system:serviceaccount:shop:otterize-network-sniffer",
        "system:serviceaccount:otterize-system:otterize-network-sniffer2",
        "system:serviceaccount:otterize-system:default", "otterize-system:otterize-network-sniffer",
        "system:serviceaccount:otterize-system/otterize-network-sniffer"}) {
    review.user = user;
    EXPECT_THAT(Judge(review, Rules()),
                StatusIs(StatusCode::kPermissionDenied, HasSubstr("collector-service-accounts")))
        << user;
  }
}

TEST(Judge, LetsKafkaWatchersReportKafkaOnly) {
  TokenRules rules = Rules();
  rules.kafka_service_accounts = {"otterize-system/kafka-watcher"};
  kube::TokenReview review{.authenticated = true,
                           .error = {},
                           .user = "system:serviceaccount:otterize-system:kafka-watcher",
                           .node_name = "node-1"};
  auto identity = Judge(review, rules);
  ASSERT_THAT(identity, IsOk());
  EXPECT_EQ(identity->only, Collector::kKafka);
  EXPECT_EQ(Judge(review, rules, Role::kAdmin).status().code(), StatusCode::kPermissionDenied);
  review.user = kSniffer;
  EXPECT_EQ(Judge(review, rules)->only, std::nullopt);
}

TEST(TokenReviewer, AsksTheApiServer) {
  const ScriptedServer server(
      [](const ScriptedCall&, ScriptedWire& wire) { wire.Json(201, Answer(kSniffer)); });
  const auto client = ClientOf(server);
  TokenReviewer reviewer(*client, Rules());
  auto identity = Identify(reviewer, "a.b.c");
  ASSERT_THAT(identity, IsOk());
  EXPECT_EQ(identity->user, kSniffer);
  ASSERT_EQ(server.Calls().size(), 1U);
  EXPECT_EQ(server.Calls()[0].method, "POST");
  EXPECT_EQ(server.Calls()[0].target, "/apis/authentication.k8s.io/v1/tokenreviews");
  EXPECT_THAT(server.Calls()[0].body, AllOf(HasSubstr(R"("token":"a.b.c")"),
                                            HasSubstr(R"("audiences":["network-mapper"])")));
  EXPECT_THAT(reviewer.Health(), IsOk());
}

TEST(TokenReviewer, TakesNoMutationsOfAKafkaWatcher) {
  const ScriptedServer server([](const ScriptedCall&, ScriptedWire& wire) {
    wire.Json(201, Answer("system:serviceaccount:otterize-system:kafka-watcher"));
  });
  const auto client = ClientOf(server);
  TokenRules rules = Rules();
  rules.kafka_service_accounts = {"otterize-system/kafka-watcher"};
  TokenReviewer reviewer(*client, rules);
  EXPECT_THAT(Identify(reviewer, "secret"), IsOk());
  EXPECT_THAT(reviewer.HasRole(Role::kCollector, "secret"),
              StatusIs(StatusCode::kPermissionDenied, HasSubstr("may report kafka only")));
}

TEST(TokenReviewer, NamesTheRightThatIsMissing) {
  std::atomic<bool> may = false;
  const ScriptedServer server([&may](const ScriptedCall&, ScriptedWire& wire) {
    if (may) {
      wire.Json(201, Answer(kSniffer));
    } else {
      wire.Json(
          403,
          R"({"kind":"Status","reason":"Forbidden","message":"tokenreviews is forbidden: cannot create resource \"tokenreviews\""})");
    }
  });
  const auto client = ClientOf(server);
  TokenReviewer reviewer(*client, Rules());
  EXPECT_THAT(
      Identify(reviewer, "a"),
      StatusIs(StatusCode::kUnavailable, HasSubstr("cannot create resource \"tokenreviews\"")));
  EXPECT_FALSE(reviewer.Health().ok());
  may = true;
  EXPECT_THAT(Identify(reviewer, "a"), IsOk());
  EXPECT_THAT(reviewer.Health(), IsOk());
}

TEST(TokenReviewer, TakesItsOwnRefusalForNoVerdict) {
  const ScriptedServer server([](const ScriptedCall&, ScriptedWire& wire) {
    wire.Json(401, R"({"kind":"Status","reason":"Unauthorized"})");
  });
  const auto client = ClientOf(server);
  TokenReviewer reviewer(*client, Rules());
  EXPECT_THAT(Identify(reviewer, "a"), StatusIs(StatusCode::kUnavailable, HasSubstr("401")));
}

TEST(TokenReviewer, TellsTheRolesApart) {
  constexpr char kAdmin[] = "system:serviceaccount:otterize-system:otterize-network-mapper-admin";
  const ScriptedServer server([&](const ScriptedCall& call, ScriptedWire& wire) {
    const bool admin = call.body.find("of-admin") != std::string::npos;
    wire.Json(201, Answer(admin ? kAdmin : kSniffer));
  });
  const auto client = ClientOf(server);
  TokenRules rules = Rules();
  TokenReviewer nobody_may(*client, rules);
  EXPECT_THAT(nobody_may.HasRole(Role::kAdmin, "of-admin"),
              StatusIs(StatusCode::kPermissionDenied, HasSubstr("admin-service-accounts")));
  rules.admin_service_accounts = {"otterize-system/otterize-network-mapper-admin"};
  TokenReviewer reviewer(*client, rules);
  EXPECT_THAT(reviewer.HasRole(Role::kAdmin, "of-admin"), IsOk());
  EXPECT_THAT(reviewer.HasRole(Role::kCollector, "of-sniffer"), IsOk());
  EXPECT_THAT(reviewer.HasRole(Role::kAdmin, "of-sniffer"),
              StatusIs(StatusCode::kPermissionDenied, HasSubstr("not among")));
  EXPECT_THAT(reviewer.HasRole(Role::kCollector, "of-admin"),
              StatusIs(StatusCode::kPermissionDenied, HasSubstr("not among")));
  const size_t asked = server.Calls().size();
  EXPECT_THAT(reviewer.HasRole(Role::kAdmin, ""),
              StatusIs(StatusCode::kUnauthenticated, HasSubstr("no token")));
  EXPECT_EQ(server.Calls().size(), asked);
}

TEST(TokenReviewer, LetsFewWaitAndNotForLong) {
  const ScriptedServer server(
      [](const ScriptedCall&, ScriptedWire& wire) { wire.HoldUntilHangUp(); });
  const auto client = ClientOf(server);
  TokenRules rules = Rules();
  rules.waiting_callers = 1;
  rules.patience = 300ms;
  TokenReviewer reviewer(*client, rules);
  auto first =
      std::async(std::launch::async, [&] { return reviewer.HasRole(Role::kCollector, "a"); });
  ASSERT_TRUE(Eventually([&] { return server.Calls().size() == 1; }));
  EXPECT_THAT(reviewer.HasRole(Role::kCollector, "b"),
              StatusIs(StatusCode::kUnavailable, HasSubstr("too many")));
  EXPECT_THAT(first.get(), StatusIs(StatusCode::kUnavailable, HasSubstr("in time")));
}

TEST(TokenReviewer, AnswersEverybodyAtItsEnd) {
  const ScriptedServer server(
      [](const ScriptedCall&, ScriptedWire& wire) { wire.HoldUntilHangUp(); });
  const auto client = ClientOf(server);
  TokenRules rules = Rules();
  rules.queue = 50;
  std::atomic<int> refused = 0;
  std::atomic<int> unavailable = 0;
  {
    TokenReviewer reviewer(*client, rules);
    for (int i = 0; i < 100; ++i) {
      reviewer.Identify("a", [&](const StatusOr<CollectorIdentity>& identity) {
        unavailable += identity.status().code() == StatusCode::kUnavailable ? 1 : 0;
      });
    }
    refused = unavailable.load();
  }
  // 4 are under way, and 50 wait.
  EXPECT_GE(refused, 46);
  EXPECT_EQ(unavailable, 100);
}

}  // namespace

}  // namespace network_mapper
