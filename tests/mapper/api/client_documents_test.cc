// The documents that the original's clients send.
#include <string>
#include <utility>

#include "tests/mapper/api/api_fixture.h"

namespace network_mapper {
namespace {

// What the command line asks for: nested fragments, all on the identity.
constexpr const char* kIntentsDocument = R"(
query Intents ($namespaces: [String!], $includedLabels: [String!],
    $excludeServiceWithLabels: [String!], $server: ServerFilter) {
  intents(namespaces: $namespaces, includeLabels: $includedLabels,
      excludeServiceWithLabels: $excludeServiceWithLabels, server: $server) {
    client { ... Identity podOwnerKind { ... Owner } }
    server { ... Identity podOwnerKind { ... Owner } kubernetesService }
    type
    kafkaTopics { name operations }
    httpResources { path methods }
  }
}
fragment Identity on OtterizeServiceIdentity { ... Name ... Labels }
fragment Owner on GroupVersionKind { group version kind }
fragment Name on OtterizeServiceIdentity { name namespace }
fragment Labels on OtterizeServiceIdentity { labels { key value } }
)";

using ClientDocuments = ApiTest;

TEST_F(ClientDocuments, IntentsAnswersByteForByte) {
  IntentSighting sighting =
      MakeSighting(MakeWorkload("shop", "web", DeploymentKind(), {{"app", "web"}}),
                   MakeWorkload("shop", "db", GroupVersionKind{"", "v1", "Pod"}));
  sighting.kubernetes_service = Text("database");
  See(store_, std::move(sighting));
  nlohmann::ordered_json body;
  body["query"] = kIntentsDocument;
  body["variables"] = nlohmann::ordered_json::parse(
      R"({"namespaces":[],"includedLabels":["app"],"excludeServiceWithLabels":[],"server":null})");
  body["operationName"] = "Intents";
  HttpResponse response = PostBody(body.dump());
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(response.body, R"({"data":{"intents":[{"client":{"name":"web","namespace":"shop",)"
                           R"("labels":[{"key":"app","value":"web"}],)"
                           R"("podOwnerKind":{"group":"apps","version":"v1","kind":"Deployment"}},)"
                           R"("server":{"name":"db","namespace":"shop","labels":[],)"
                           R"("podOwnerKind":{"group":null,"version":"v1","kind":"Pod"},)"
                           R"("kubernetesService":"database"},)"
                           R"("type":null,"kafkaTopics":null,"httpResources":null}]}})");
}

TEST_F(ClientDocuments, IntentsTakesNullAndEmptyLists) {
  See(store_, MakeSighting("web", "db"));
  for (const char* variables :
       {R"({"namespaces":[],"includedLabels":null,"excludeServiceWithLabels":[],"server":null})",
        R"({"namespaces":null,"includedLabels":[],"excludeServiceWithLabels":null})", "{}",
        "null"}) {
    EXPECT_EQ(Data(kIntentsDocument, Json::parse(variables))["intents"].size(), 1U) << variables;
  }
}

TEST_F(ClientDocuments, ServiceIntentsWithLabelsAndWithout) {
  Workload web = MakeWorkload("shop", "web", DeploymentKind(), {{"app", "w"}, {"tier", "front"}});
  See(store_, MakeSighting(web, MakeWorkload("shop", "db")));
  Json with_labels = Data(
      "query ServiceIntentsWithLabels ($namespaces: [String!], $includedLabels: [String!]) {"
      " serviceIntents(namespaces: $namespaces, includeLabels: $includedLabels) {"
      " client { ... F } intents { ... F } } }"
      " fragment F on OtterizeServiceIdentity { name namespace labels { key value } }",
      {{"namespaces", nullptr}, {"includedLabels", {"tier"}}});
  EXPECT_EQ(with_labels, Json::parse(R"({"serviceIntents":[{"client":{"name":"web",
      "namespace":"shop","labels":[{"key":"tier","value":"front"}]},
      "intents":[{"name":"db","namespace":"shop","labels":[]}]}]})"));
  Json old = Data(
      "query ServiceIntentsUpToMapperV017 ($namespaces: [String!]) {"
      " serviceIntents(namespaces: $namespaces) {"
      " client { name namespace } intents { name namespace } } }",
      {{"namespaces", {"elsewhere"}}});
  EXPECT_EQ(old, Json::parse(R"({"serviceIntents":[]})"));
}

TEST_F(ClientDocuments, HealthAndResetCapture) {
  See(store_, MakeSighting("web", "db"));
  EXPECT_EQ(Data("query Health { health }"), Json::parse(R"({"health":true})"));
  EXPECT_EQ(store_.Size(), 1U);
  EXPECT_EQ(Data("mutation ResetCapture { resetCapture }"),
            Json::parse(R"({"resetCapture":true})"));
  EXPECT_EQ(store_.Size(), 0U);
}

TEST_F(ClientDocuments, EveryReportMutationIsAccepted) {
  const std::pair<const char*, const char*> by_results[] = {
      {"reportCaptureResults", "CaptureResults"},
      {"reportTCPCaptureResults", "CaptureTCPResults"},
      {"reportSocketScanResults", "SocketScanResults"},
      {"reportKafkaMapperResults", "KafkaMapperResults"},
      {"reportIstioConnectionResults", "IstioConnectionResults"},
      {"reportTrafficLevelResults", "TrafficLevelResults"},
  };
  for (const auto& [name, input] : by_results) {
    std::string field = name;
    std::string document = "mutation " + field + " ($results: " + input + "!) {\n\t" + field +
                           "(results: $results)\n}\n";
    EXPECT_EQ(Data(document, {{"results", {{"results", Json::array()}}}})[field], true);
  }
  for (const char* cloud : {"AWS", "GCP", "Azure"}) {
    std::string field = "report" + std::string(cloud) + "Operation";
    std::string document = "mutation " + field + " ($operation: [" + cloud + "Operation!]!) { " +
                           field + "(operation: $operation) }";
    EXPECT_EQ(Data(document, {{"operation", Json::array()}})[field], true);
  }
  EXPECT_TRUE(sink_.batches.empty());
}

TEST_F(ClientDocuments, UnknownFieldsAndArgumentsMakeTheCommandLineFallBack) {
  EXPECT_EQ(Post("{ intents(noSuchArgument: 1) { type } }").status, 422);
  EXPECT_EQ(Post("{ intents { noSuchField } }").status, 422);
}

TEST_F(ClientDocuments, TheIntrospectionOfToolsIsAnswered) {
  Json data = Data(R"(query IntrospectionQuery { __schema {
      queryType { name } mutationType { name } subscriptionType { name }
      types { ...FullType }
      directives { name description locations args { ...InputValue } } } }
    fragment FullType on __Type { kind name description
      fields(includeDeprecated: true) { name description args { ...InputValue }
        type { ...TypeRef } isDeprecated deprecationReason }
      inputFields { ...InputValue } interfaces { ...TypeRef }
      enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
      possibleTypes { ...TypeRef } }
    fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue }
    fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name
      ofType { kind name ofType { kind name ofType { kind name ofType { kind name
      ofType { kind name } } } } } } } })");
  const Json& schema = data["__schema"];
  EXPECT_EQ(schema["queryType"]["name"], "Query");
  EXPECT_EQ(schema["mutationType"]["name"], "Mutation");
  EXPECT_EQ(schema["subscriptionType"], nullptr);
  for (const char* name : {"Intent", "OtterizeServiceIdentity", "ServerFilter", "Time",
                           "KafkaOperation", "Evidence"}) {
    bool found = false;
    for (const Json& type : schema["types"]) {
      found = found || type["name"] == name;
    }
    EXPECT_TRUE(found) << name;
  }
}

}  // namespace
}  // namespace network_mapper
