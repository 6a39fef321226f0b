// What the queries keep, show and in which order.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "tests/mapper/api/api_fixture.h"

namespace network_mapper {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class QuerySemantics : public ApiTest {
 protected:
  // "client->server" of each intent that passes the arguments, in the order of the answer.
  std::vector<std::string> Pairs(const std::string& arguments) {
    std::string given = arguments.empty() ? "" : "(" + arguments + ")";
    Json data = Data("{ intents" + given + " { client { name } server { name } } }");
    std::vector<std::string> pairs;
    for (const Json& intent : data["intents"]) {
      pairs.push_back(intent["client"]["name"].get<std::string>() + "->" +
                      intent["server"]["name"].get<std::string>());
    }
    return pairs;
  }

  Json LabelsOfFirstClient(const std::string& arguments) {
    Json data = Data("{ intents" + arguments + " { client { labels { key value } } } }");
    return data["intents"][0]["client"]["labels"];
  }
};

// docs/regressions.md P19
TEST_F(QuerySemantics, NamespacesSelectByTheClientOnly) {
  See(store_, MakeSighting(MakeWorkload("one", "a"), MakeWorkload("two", "x")));
  See(store_, MakeSighting(MakeWorkload("two", "b"), MakeWorkload("one", "y")));
  EXPECT_THAT(Pairs(R"(namespaces: ["one"])"), ElementsAre("a->x"));
  EXPECT_THAT(Pairs(R"(namespaces: "two")"), ElementsAre("b->y"));
  EXPECT_THAT(Pairs(R"(namespaces: ["One"])"), IsEmpty());
  EXPECT_THAT(Pairs("namespaces: []"), ElementsAre("a->x", "b->y"));
  EXPECT_THAT(Pairs("namespaces: null"), ElementsAre("a->x", "b->y"));
}

TEST_F(QuerySemantics, LabelsAreShownWhenAskedFor) {
  See(store_, MakeSighting(MakeWorkload("n", "a", DeploymentKind(), {{"app", "a"}, {"zone", "z"}}),
                           MakeWorkload("n", "b")));
  Json app = Json::parse(R"([{"key":"app","value":"a"}])");
  Json both = Json::parse(R"([{"key":"app","value":"a"},{"key":"zone","value":"z"}])");
  EXPECT_EQ(LabelsOfFirstClient(""), Json::array());
  EXPECT_EQ(LabelsOfFirstClient("(includeLabels: [])"), Json::array());
  EXPECT_EQ(LabelsOfFirstClient(R"((includeLabels: ["app", "none"]))"), app);
  EXPECT_EQ(LabelsOfFirstClient("(includeAllLabels: true)"), both);
  EXPECT_EQ(LabelsOfFirstClient(R"((includeLabels: ["app"], includeAllLabels: true))"), both);
  EXPECT_EQ(LabelsOfFirstClient(R"((includeLabels: ["app"], includeAllLabels: false))"), app);
}

// docs/regressions.md P19
TEST_F(QuerySemantics, ExcludedLabelsMatchKeyAndValueOfEitherEnd) {
  See(store_,
      MakeSighting(MakeWorkload("n", "a", DeploymentKind(), {{"k", "v"}}), MakeWorkload("n", "x")));
  See(store_,
      MakeSighting(MakeWorkload("n", "b"), MakeWorkload("n", "y", DeploymentKind(), {{"k", "v"}})));
  See(store_,
      MakeSighting(MakeWorkload("n", "c", DeploymentKind(), {{"k", ""}}), MakeWorkload("n", "z")));
  EXPECT_THAT(Pairs(R"(excludeServiceWithLabels: ["k=v"])"), ElementsAre("c->z"));
  EXPECT_THAT(Pairs(R"(excludeServiceWithLabels: ["k"])"), ElementsAre("a->x", "b->y"));
  EXPECT_THAT(Pairs(R"(excludeServiceWithLabels: ["k=v=w"])"), ElementsAre("c->z"));
  EXPECT_THAT(Pairs(R"(excludeServiceWithLabels: ["k=v", "k=other"])"),
              ElementsAre("a->x", "b->y", "c->z"));
  EXPECT_THAT(Pairs("excludeServiceWithLabels: []"), ElementsAre("a->x", "b->y", "c->z"));
}

TEST_F(QuerySemantics, ServerSelectsItsClientsWithAllTheirIntents) {
  See(store_, MakeSighting("a", "target"));
  See(store_, MakeSighting("a", "other"));
  See(store_, MakeSighting("b", "other"));
  EXPECT_THAT(Pairs(R"(server: {name: "target", namespace: "shop"})"),
              ElementsAre("a->other", "a->target"));
  EXPECT_THAT(Pairs(R"(server: {name: "target", namespace: "elsewhere"})"), IsEmpty());
  EXPECT_THAT(Pairs("server: null"), ElementsAre("a->other", "a->target", "b->other"));
}

TEST_F(QuerySemantics, SpansSelectWhatWasSeenAtAllInThem) {
  See(store_, MakeSighting("early", "x", 10));
  See(store_, MakeSighting("long", "x", 10));
  See(store_, MakeSighting("long", "x", 30));
  See(store_, MakeSighting("late", "x", 30));
  EXPECT_THAT(Pairs(R"(since: "2026-01-01T00:00:20Z")"), ElementsAre("late->x", "long->x"));
  EXPECT_THAT(Pairs(R"(until: "2026-01-01T01:00:20+01:00")"), ElementsAre("early->x", "long->x"));
  EXPECT_THAT(Pairs(R"(since: "2026-01-01T00:00:20Z", until: "2026-01-01T00:00:20Z")"),
              ElementsAre("long->x"));
  // The ends belong to the span.
  EXPECT_THAT(Pairs(R"(since: "2026-01-01T00:00:10Z", until: "2026-01-01T00:00:10Z")"),
              ElementsAre("early->x", "long->x"));
  EXPECT_THAT(Pairs("since: null, until: null"), ElementsAre("early->x", "late->x", "long->x"));
  EXPECT_EQ(Data(R"({ serviceIntents(since: "2026-01-01T00:00:20Z") { client { name } } })")
                ["serviceIntents"],
            Json::parse(R"([{"client":{"name":"late"}},{"client":{"name":"long"}}])"));
  EXPECT_THAT(Post(R"({ intents(since: "yesterday") { type } })").body,
              testing::HasSubstr("since is no time as RFC 3339 has it: \\\"yesterday\\\""));
}

TEST_F(QuerySemantics, CompletenessCountsByCollectorAndReason) {
  completeness_.ledger.mapper_started = At(5);
  completeness_.map_since = At(0);
  completeness_.nodes = {"a", "b"};
  CollectorAccount sniffer;
  sniffer.name = {.instance_id = "life", .component = "sniffer", .node_name = "a"};
  sniffer.open_streams = 1;
  sniffer.first_contact = At(6);
  sniffer.last_contact = At(7);
  sniffer.totals = {.packets_received = 9, .packets_dropped_by_kernel = 2};
  sniffer.refused.at(static_cast<size_t>(Refusal::kUnknownClient)) = 3;
  completeness_.ledger.collectors = {sniffer};
  completeness_.ledger.sums = {
      .totals = sniffer.totals, .observations = 8, .refused = sniffer.refused};
  completeness_.ledger.kept_out = 4;
  EXPECT_EQ(Data("{ completeness { since countedSince nodes reportingNodes silentNodes keptOut"
                 " packetsReceived observations refused { reason count mayHideAnEdge }"
                 " collectors { component node instance connected firstContact lastContact"
                 " clockOffsetSeconds packetsDropped refused { count } } } }")["completeness"],
            Json::parse(R"({"since":"2026-01-01T00:00:00Z","countedSince":"2026-01-01T00:00:05Z",
      "nodes":2,"reportingNodes":1,"silentNodes":["b"],"keptOut":4,"packetsReceived":9,"observations":8,
      "refused":[{"reason":"unknown_client","count":3,"mayHideAnEdge":true}],
      "collectors":[{"component":"sniffer","node":"a","instance":"life","connected":true,
        "firstContact":"2026-01-01T00:00:06Z","lastContact":"2026-01-01T00:00:07Z",
        "clockOffsetSeconds":null,"packetsDropped":2,"refused":[{"count":3}]}]})"));
}

TEST_F(QuerySemantics, ForgettingAPartNeedsAFilter) {
  See(store_, MakeSighting("early", "x", 10));
  See(store_, MakeSighting("late", "x", 30));
  for (const char* arguments : {"", "(namespaces: [])", "(namespaces: null, lastSeenBefore: null)",
                                R"((namespaces: "shop", lastSeenBefore: "soon"))"}) {
    EXPECT_THAT(Post(std::string("mutation { forgetIntents") + arguments + " }").body,
                testing::HasSubstr("errors"))
        << arguments;
  }
  EXPECT_THAT(Pairs(""), ElementsAre("early->x", "late->x"));
  EXPECT_EQ(Data(R"(mutation { forgetIntents(lastSeenBefore: "2026-01-01T00:00:30Z") })"),
            Json::parse(R"({"forgetIntents":1})"));
  EXPECT_THAT(Pairs(""), ElementsAre("late->x"));
}

TEST_F(QuerySemantics, IntentsAreOrderedByJoinedNames) {
  See(store_, MakeSighting(MakeWorkload("a", "x"), MakeWorkload("n", "s")));
  See(store_, MakeSighting(MakeWorkload("a-b", "w"), MakeWorkload("n", "s")));
  See(store_, MakeSighting(MakeWorkload("a", "x"), MakeWorkload("n", "r")));
  EXPECT_THAT(Pairs(""), ElementsAre("w->s", "x->r", "x->s"));
}

TEST_F(QuerySemantics, ServiceIntentsGroupAndMergeTypes) {
  See(store_, MakeSighting("a", "y"));
  See(store_, MakeSighting("a", "x"));
  IntentSighting kafka = MakeSighting("a", "x");
  kafka.type = IntentType::kKafka;
  See(store_, std::move(kafka));
  See(store_, MakeSighting("b", "x"));
  EXPECT_EQ(Data("{ serviceIntents { client { name } intents { name } } }")["serviceIntents"],
            Json::parse(R"([{"client":{"name":"a"},"intents":[{"name":"x"},{"name":"y"}]},
                            {"client":{"name":"b"},"intents":[{"name":"x"}]}])"));
}

TEST_F(QuerySemantics, AnApiServerHasNoLabelsAndNoOwner) {
  Workload api_server = MakeWorkload("default", "kubernetes", std::nullopt);
  api_server.labels = nullptr;
  See(store_, MakeSighting(MakeWorkload("n", "a"), api_server));
  Json data = Data(
      "{ intents(includeAllLabels: true) { server { labels { key } podOwnerKind { kind }"
      " kubernetesService nameResolvedUsingAnnotation resolutionData { host } } } }");
  EXPECT_EQ(data["intents"][0]["server"],
            Json::parse(R"({"labels":null,"podOwnerKind":null,"kubernetesService":null,
                            "nameResolvedUsingAnnotation":false,"resolutionData":null})"));
}

TEST_F(QuerySemantics, TypedIntentsCarryTheirDetail) {
  IntentSighting kafka = MakeSighting("a", "broker");
  kafka.type = IntentType::kKafka;
  kafka.resolution = Resolution::kKafka;
  kafka.details = std::make_unique<IntentDetails>();
  kafka.details->kafka_topics = {
      {.topic = "orders", .operations = {KafkaOperation::kConsume, KafkaOperation::kAlterConfigs}}};
  See(store_, std::move(kafka));
  IntentSighting http = MakeSighting("a", "web");
  http.type = IntentType::kHttp;
  http.details = std::make_unique<IntentDetails>();
  http.details->http_resources = {{.path = "/cart", .methods = {HttpMethod::kGet}}};
  See(store_, std::move(http));
  EXPECT_EQ(Data("{ intents { type resolutionData kafkaTopics { name operations }"
                 " httpResources { path methods } awsActions } }")["intents"],
            Json::parse(R"([
      {"type":"KAFKA","resolutionData":"handleReportKafkaMapperResults",
       "kafkaTopics":[{"name":"orders","operations":["CONSUME","ALTER_CONFIGS"]}],
       "httpResources":null,"awsActions":null},
      {"type":"HTTP","resolutionData":"handleInternalTrafficTCPResult","kafkaTopics":null,
       "httpResources":[{"path":"/cart","methods":["GET"]}],"awsActions":null}])"));
}

// As ztunnel counts them: beside the HTTP intent of the same edge, which a waypoint counts, and
// merged with what the sniffer sees.
TEST_F(QuerySemantics, ConnectionsThatAMeshCountsAreIntentsWithoutAType) {
  const auto see_mesh = [this](std::optional<IntentType> type, Strength strength, int second) {
    IntentSighting sighting = MakeSighting("a", "b", second);
    sighting.collector = Collector::kIstio;
    sighting.resolution = Resolution::kIstio;
    sighting.type = type;
    sighting.strength = strength;
    sighting.count = 3;
    if (type) {
      sighting.details = std::make_unique<IntentDetails>();
      sighting.details->http_resources = {{.path = "/cart", .methods = {HttpMethod::kGet}}};
    }
    See(store_, std::move(sighting));
  };
  see_mesh(std::nullopt, Strength::kConnected, 1);
  see_mesh(std::nullopt, Strength::kConnected, 2);
  EXPECT_EQ(Data("{ intents { server { name } type resolutionData httpResources "
                 "{ path } kafkaTopics { name } strength ports } }")["intents"],
            Json::parse(R"([{"server":{"name":"b"},"type":null,
                "resolutionData":"handleReportIstioConnectionResults","httpResources":null,
                "kafkaTopics":null,"strength":"CONNECTED","ports":[]}])"));
  see_mesh(IntentType::kHttp, Strength::kUsed, 3);
  See(store_, MakeSighting("a", "b", 4));
  EXPECT_EQ(Data("{ intents { type httpResources { path methods } strength count evidence {"
                 " collector strength count } } }")["intents"],
            Json::parse(R"([
      {"type":null,"httpResources":null,"strength":"CONNECTED","count":7,"evidence":[
        {"collector":"tcp_syn","strength":"ATTEMPTED","count":1},
        {"collector":"istio","strength":"CONNECTED","count":6}]},
      {"type":"HTTP","httpResources":[{"path":"/cart","methods":["GET"]}],"strength":"USED",
       "count":3,"evidence":[{"collector":"istio","strength":"USED","count":3}]}])"));
  // The original's clients ask for it so, and get the server once.
  EXPECT_EQ(Data("{ serviceIntents { client { name } intents { name } } }")["serviceIntents"],
            Json::parse(R"([{"client":{"name":"a"},"intents":[{"name":"b"}]}])"));
}

// The original's clients select no actions, and take every server for a workload.
TEST_F(QuerySemantics, WhatIsDoneInAwsIsShownToWhoAsksForActions) {
  See(store_, MakeSighting("a", "b"));
  IntentSighting aws = MakeSighting(MakeWorkload("n", "a"), MakeWorkload("", "arn:aws:s3:::bills"));
  aws.type = IntentType::kAws;
  aws.details = std::make_unique<IntentDetails>();
  aws.details->aws_actions = {"s3:GetObject"};
  aws.details->aws_regions = {"eu-west-1"};
  aws.details->aws_roles = {"arn:aws:iam::1:role/web"};
  See(store_, std::move(aws));
  EXPECT_EQ(Data("{ intents { server { name } type } }")["intents"],
            Json::parse(R"([{"server":{"name":"b"},"type":null}])"));
  EXPECT_EQ(Data("{ serviceIntents { intents { name } } }")["serviceIntents"],
            Json::parse(R"([{"intents":[{"name":"b"}]}])"));
  const Json shown = Json::parse(R"([
      {"server":{"name":"arn:aws:s3:::bills"},"actions":["s3:GetObject"],"awsRegions":["eu-west-1"],
       "awsRoles":["arn:aws:iam::1:role/web"]},
      {"server":{"name":"b"},"actions":null,"awsRegions":null,"awsRoles":null}])");
  EXPECT_EQ(
      Data("{ intents { server { name } actions: awsActions awsRegions awsRoles } }")["intents"],
      shown);
  EXPECT_EQ(Data("query { intents { server { name } ...Aws } } fragment Aws on Intent {"
                 " actions: awsActions awsRegions awsRoles }")["intents"],
            shown);
}

// docs/regressions.md 1.1 store, P1
TEST_F(QuerySemantics, EvidenceExplainsAnIntent) {
  IntentSighting syn = MakeSighting("a", "b", 10);
  syn.port = PortSeen{.number = 443, .protocol = Protocol::kTcp};
  syn.count = 3;
  syn.answered = 2;
  syn.strength = Strength::kConnected;
  syn.sample = {.client_pod = Text("a-1"),
                .server_pod = Text("b-1"),
                .server_address = IpAddress::Parse("10.0.0.7")};
  See(store_, std::move(syn));
  IntentSighting dns = MakeSighting("a", "b", 5);
  dns.collector = Collector::kDns;
  dns.strength = Strength::kResolved;
  See(store_, std::move(dns));
  Json data = Data(
      "{ intents { firstSeen lastSeen count ports protocol strength evidence { collector"
      " strength firstSeen lastSeen count answered sharedCount ports clientPods serverPods"
      " serverAddresses } } }");
  EXPECT_EQ(data["intents"][0], Json::parse(R"({
      "firstSeen":"2026-01-01T00:00:05Z","lastSeen":"2026-01-01T00:00:10Z",
      "count":4,"ports":[443],"protocol":"TCP","strength":"CONNECTED","evidence":[
      {"collector":"dns","strength":"RESOLVED","firstSeen":"2026-01-01T00:00:05Z",
       "lastSeen":"2026-01-01T00:00:05Z","count":1,"answered":0,"sharedCount":0,"ports":[],
       "clientPods":[],"serverPods":[],"serverAddresses":[]},
      {"collector":"tcp_syn","strength":"CONNECTED","firstSeen":"2026-01-01T00:00:10Z",
       "lastSeen":"2026-01-01T00:00:10Z","count":3,"answered":2,"sharedCount":0,"ports":[443],
       "clientPods":["a-1"],"serverPods":["b-1"],"serverAddresses":["10.0.0.7"]}]})"));
}

}  // namespace
}  // namespace network_mapper
