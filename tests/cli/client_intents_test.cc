#include "cli/client_intents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace network_mapper::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

MapperIdentity Identity(const std::string& name, const std::string& name_space,
                        const std::string& kind = "Deployment") {
  return {
      .name = name, .name_space = name_space, .labels = {}, .kind = kind, .kubernetes_service = ""};
}

MapperIntent Plain(const MapperIdentity& client, const MapperIdentity& server) {
  return {.client = client, .server = server, .kafka_topics = {}, .http_resources = {}};
}

TEST(ClientIntents, KafkaHidesThePlainTargetOnlyWhenThatHasNoKind) {
  MapperIntent kafka = Plain(Identity("orders", "shop"), Identity("broker", "shop", ""));
  kafka.kafka_topics = {{.name = "t", .operations = {"CONSUME"}}};
  auto without_kind = ToClientIntents(
      {Plain(Identity("orders", "shop"), Identity("broker", "shop", "")), kafka}, {});
  ASSERT_THAT(without_kind, IsOk());
  EXPECT_EQ(without_kind->front().targets.size(), 1U);
  auto with_kind = ToClientIntents(
      {Plain(Identity("orders", "shop"), Identity("broker", "shop", "StatefulSet")), kafka}, {});
  ASSERT_THAT(with_kind, IsOk());
  EXPECT_EQ(with_kind->front().targets.size(), 2U);
}

TEST(ClientIntents, HttpHidesThePlainTargetThoughNoPathIsKnown) {
  MapperIntent http = Plain(Identity("web", "shop"), Identity("cart", "shop"));
  http.http = true;
  auto clients =
      ToClientIntents({Plain(Identity("web", "shop"), Identity("cart", "shop")), http}, {});
  ASSERT_THAT(clients, IsOk());
  EXPECT_EQ(clients->front().targets.size(), 1U);
}

// The connection to the proxy that denies the calls was seen all the same.
TEST(ClientIntents, WhatIsDeniedIsNotAllowedByTheConnection) {
  MapperIntent connected = Plain(Identity("mallory", "shop"), Identity("cart", "shop"));
  connected.strength = Strength::kConnected;
  MapperIntent denied = Plain(Identity("mallory", "shop"), Identity("cart", "shop"));
  denied.http_resources = {{.path = "/", .methods = {"GET"}}};
  denied.strength = Strength::kAttempted;
  MapperIntent other = Plain(Identity("mallory", "shop"), Identity("prices", "shop"));
  auto clients = ToClientIntents({connected, denied, other}, {});
  ASSERT_THAT(clients, IsOk());
  EXPECT_EQ(TakeAttemptedOnly(*clients), 1U);
  ASSERT_EQ(clients->size(), 1U);
  ASSERT_EQ(clients->front().targets.size(), 1U);
  EXPECT_EQ(clients->front().targets[0].name, "prices");
}

TEST(ClientIntents, RefusesWhatItDoesNotKnowInsteadOfCrashing) {
  MapperIntent intent = Plain(Identity("a", "x"), Identity("b", "x"));
  intent.kafka_topics = {{.name = "t", .operations = {"FLY"}}};
  EXPECT_THAT(ToClientIntents({intent}, {}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("FLY")));
  intent.kafka_topics.clear();
  intent.http_resources = {{.path = "/", .methods = {"HEAD"}}};
  EXPECT_THAT(ToClientIntents({intent}, {}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("HEAD")));
}

// docs/regressions.md P19
TEST(ClientIntents, ExcludesServicesOnBothSidesAndEmptyClients) {
  auto clients = ToClientIntents(
      {Plain(Identity("a", "x"), Identity("b", "x")), Plain(Identity("b", "x"), Identity("c", "y")),
       Plain(Identity("d", "x"), Identity("c", "y"))},
      {});
  ASSERT_THAT(clients, IsOk());
  std::vector<ClientIntents> kept = ExcludeServices(*clients, {"b"});
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(kept[0].name, "d");
  EXPECT_THAT(ExcludeServices(*clients, {"b", "c"}), IsEmpty());
}

TEST(ClientIntents, SplitsNamesAtDots) {
  ClientIntents client{.name = "a", .name_space = "home", .workload_kind = "", .targets = {}};
  Target target;
  target.name = "db.other.more";
  EXPECT_EQ(ServerName(target), "db");
  EXPECT_EQ(ServerNamespace(target, client), "other");
  target.name = "db";
  EXPECT_EQ(ServerNamespace(target, client), "home");
}

}  // namespace
}  // namespace network_mapper::cli
