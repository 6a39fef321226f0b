// What the report mutations make of what the original's collectors send.
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <gmock/gmock.h>

#include "common/time/time_text.h"
#include "tests/mapper/api/api_fixture.h"

namespace network_mapper {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ReportMutations : public ApiTest {
 protected:
  HttpResponse Report(const std::string& field, const std::string& input, const Json& results) {
    return Post("mutation M ($results: " + input + "!) { " + field + "(results: $results) }",
                {{"results", {{"results", results}}}});
  }

  // The observations of one accepted report.
  std::vector<Observation> Accepted(const std::string& field, const std::string& input,
                                    const Json& results) {
    HttpResponse response = Report(field, input, results);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, R"({"data":{")" + field + R"(":true}})");
    return sink_.Observations();
  }

  static Json Source(const std::vector<Json>& destinations) {
    Json source = {{"srcIp", "10.0.0.1"}, {"srcHostname", "web-1"}};
    source["destinations"] = destinations;
    return Json::array({source});
  }

  static Json Destination(const Json& overrides = Json::object()) {
    Json destination = {{"destination", "10.0.0.9"},
                        {"destinationIP", nullptr},
                        {"destinationPort", nullptr},
                        {"TTL", nullptr},
                        {"lastSeen", "2024-01-02T03:04:05.678901234+01:00"},
                        {"srcPorts", nullptr}};
    destination.update(overrides);
    return destination;
  }

  static Json IstioConnection(const std::vector<std::string>& methods) {
    Json connection = Json::parse(R"({"srcWorkload":"web","srcWorkloadNamespace":"shop",
        "dstWorkload":"cart","dstServiceName":"cart-svc","dstWorkloadNamespace":"back",
        "path":"/items","lastSeen":"2024-01-02T03:04:05Z"})");
    connection["methods"] = methods;
    return Json::array({connection});
  }
};

TEST_F(ReportMutations, DnsResultsBecomeNames) {
  std::vector<Observation> seen =
      Accepted("reportCaptureResults", "CaptureResults",
               Source({Destination({{"destination", "db.shop.svc.cluster.local"},
                                    {"destinationIP", "10.96.0.5"},
                                    {"TTL", 30},
                                    {"srcPorts", Json::array()}})}));
  ASSERT_THAT(seen, SizeIs(1));
  EXPECT_EQ(seen[0].collector, Collector::kDns);
  EXPECT_EQ(seen[0].client.ip, IpAddress::Parse("10.0.0.1"));
  EXPECT_EQ(seen[0].client.hostname, "web-1");
  EXPECT_EQ(FormatRfc3339(seen[0].last_seen), "2024-01-02T02:04:05.678901234Z");
  EXPECT_EQ(seen[0].first_seen, seen[0].last_seen);
  const auto& target = std::get<NameTarget>(seen[0].target);
  EXPECT_EQ(target.name, "db.shop.svc.cluster.local");
  EXPECT_THAT(target.addresses, ElementsAre(*IpAddress::Parse("10.96.0.5")));
  EXPECT_EQ(target.ttl, std::chrono::seconds(30));
  ASSERT_THAT(sink_.batches, SizeIs(1));
  EXPECT_EQ(sink_.batches[0].instance_id, "");
}

TEST_F(ReportMutations, ALifetimeThatNoRecordCanHaveIsLeftOut) {
  std::vector<Observation> seen =
      Accepted("reportCaptureResults", "CaptureResults",
               Source({Destination({{"destination", "a.b"}, {"TTL", -1}}),
                       Destination({{"destination", "a.b"}, {"TTL", 9223372036854775807}})}));
  ASSERT_THAT(seen, SizeIs(2));
  EXPECT_EQ(std::get<NameTarget>(seen[0].target).ttl, std::nullopt);
  EXPECT_EQ(std::get<NameTarget>(seen[1].target).ttl, std::nullopt);
}

TEST_F(ReportMutations, TcpResultsPreferTheAddressOverTheDestination) {
  std::vector<Observation> seen = Accepted("reportTCPCaptureResults", "CaptureTCPResults",
                                           Source({Destination({{"destination", "db-0"},
                                                                {"destinationIP", "10.0.0.7"},
                                                                {"destinationPort", 5432},
                                                                {"srcPorts", {40000, 40001}}}),
                                                   Destination({{"destination", "fd00::7"}})}));
  ASSERT_THAT(seen, SizeIs(2));
  EXPECT_EQ(seen[0].collector, Collector::kTcpSyn);
  EXPECT_EQ(std::get<AddressTarget>(seen[0].target).address, *IpAddress::Parse("10.0.0.7"));
  EXPECT_EQ(std::get<AddressTarget>(seen[0].target).port, 5432);
  EXPECT_EQ(std::get<AddressTarget>(seen[1].target).address, *IpAddress::Parse("fd00::7"));
  EXPECT_EQ(std::get<AddressTarget>(seen[1].target).port, std::nullopt);
}

TEST_F(ReportMutations, SocketScanPortsAreUnswapped) {
  std::vector<Observation> seen = Accepted(
      "reportSocketScanResults", "SocketScanResults",
      Source({Destination(
                  {{"destinationIP", "10.0.0.9"}, {"destinationPort", 35236}, {"srcPorts", {80}}}),
              Destination({{"destinationPort", 35236}})}));
  ASSERT_THAT(seen, SizeIs(2));
  EXPECT_EQ(seen[0].collector, Collector::kSocketScan);
  EXPECT_EQ(std::get<AddressTarget>(seen[0].target).port, 80);
  EXPECT_EQ(std::get<AddressTarget>(seen[1].target).port, std::nullopt);
}

TEST_F(ReportMutations, EmptyDestinationsAreSkipped) {
  for (const auto& [field, input] : {std::pair{"reportTCPCaptureResults", "CaptureTCPResults"},
                                     std::pair{"reportCaptureResults", "CaptureResults"},
                                     std::pair{"reportSocketScanResults", "SocketScanResults"}}) {
    EXPECT_THAT(Accepted(field, input, Source({})), IsEmpty());
  }
}

TEST_F(ReportMutations, WhatNamesNoAddressIsCountedAndTheRestStays) {
  Json results = Source({Destination({{"destination", "not-an-address"}}), Destination()});
  results.push_back(Source({Destination()})[0]);
  results[1]["srcIp"] = "nonsense";
  EXPECT_THAT(Accepted("reportTCPCaptureResults", "CaptureTCPResults", results), SizeIs(1));
  EXPECT_EQ(metrics_.malformed_observations.Value(), 2);
  EXPECT_EQ(metrics_.observations.Value(), 1);
}

TEST_F(ReportMutations, KafkaResultsKeepWhatIsKnown) {
  Json results = Json::array();
  for (const char* operation : {"Read", "Teleport", "Write"}) {
    Json result = Json::parse(R"({"srcIp":"10.0.0.1","serverPodName":"kafka-0",
        "serverNamespace":"mq","topic":"orders","lastSeen":"2024-01-02T03:04:05Z"})");
    result["operation"] = operation;
    results.push_back(result);
  }
  std::vector<Observation> seen =
      Accepted("reportKafkaMapperResults", "KafkaMapperResults", results);
  ASSERT_THAT(seen, SizeIs(2));
  const auto& target = std::get<KafkaTarget>(seen[0].target);
  EXPECT_EQ(target.operation, KafkaOperation::kConsume);
  EXPECT_EQ(target.broker_pod, "kafka-0");
  EXPECT_EQ(target.broker_namespace, "mq");
  EXPECT_EQ(target.topic, "orders");
  EXPECT_EQ(std::get<KafkaTarget>(seen[1].target).operation, KafkaOperation::kProduce);
  EXPECT_EQ(metrics_.malformed_observations.Value(), 1);
}

TEST_F(ReportMutations, IstioResultsNameBothWorkloads) {
  std::vector<Observation> seen = Accepted("reportIstioConnectionResults", "IstioConnectionResults",
                                           IstioConnection({"GET", "POST"}));
  ASSERT_THAT(seen, SizeIs(1));
  EXPECT_EQ(seen[0].collector, Collector::kIstio);
  const auto& target = std::get<HttpTarget>(seen[0].target);
  EXPECT_EQ(target.client_workload, "web");
  EXPECT_EQ(target.client_namespace, "shop");
  EXPECT_EQ(target.server_workload, "cart");
  EXPECT_EQ(target.server_namespace, "back");
  EXPECT_EQ(target.service, "cart-svc");
  EXPECT_EQ(target.path, "/items");
  EXPECT_THAT(target.methods, ElementsAre(HttpMethod::kGet, HttpMethod::kPost));
}

TEST_F(ReportMutations, AwsOperationsNameTheirClientOrItsAddress) {
  HttpResponse response = Post(
      "mutation M ($operation: [AWSOperation!]!) { reportAWSOperation(operation: $operation) }",
      Json::parse(R"({"operation":[
          {"resource":"arn:aws:s3:::b","actions":["s3:GetObject"],"srcIp":null,"iamRole":"arn:aws:iam::1:role/web",
           "client":{"name":"web","namespace":"shop"}},
          {"resource":"arn:aws:s3:::c","actions":[],"srcIp":"10.0.0.1"},
          {"resource":"arn:aws:s3:::d","actions":[]}]})"));
  EXPECT_EQ(response.body, R"({"data":{"reportAWSOperation":true}})");
  std::vector<Observation> seen = sink_.Observations();
  ASSERT_THAT(seen, SizeIs(2));
  const auto& named = std::get<AwsTarget>(seen[0].target);
  EXPECT_EQ(named.resource_arn, "arn:aws:s3:::b");
  EXPECT_THAT(named.actions, ElementsAre("s3:GetObject"));
  EXPECT_EQ(named.iam_role, "arn:aws:iam::1:role/web");
  EXPECT_EQ(named.client_name, "web");
  EXPECT_EQ(named.client_namespace, "shop");
  EXPECT_EQ(seen[0].last_seen, clock_.Now());
  EXPECT_EQ(seen[1].client.ip, IpAddress::Parse("10.0.0.1"));
  EXPECT_EQ(metrics_.malformed_observations.Value(), 1);
}

TEST_F(ReportMutations, WhatTheReportStreamWouldRefuseIsLeftOut) {
  HttpResponse response = Post(
      "mutation M ($operation: [AWSOperation!]!) { reportAWSOperation(operation: $operation) }",
      Json::parse(R"({"operation":[
          {"resource":"arn:aws:s3:::a\n  - bank/vault","actions":[],"srcIp":"10.0.0.1"},
          {"resource":"bills","actions":[],"srcIp":"10.0.0.1"},
          {"resource":"arn:aws:s3:::c","actions":[],"srcIp":"10.0.0.1"}]})"));
  EXPECT_EQ(response.body, R"({"data":{"reportAWSOperation":true}})");
  EXPECT_THAT(sink_.Observations(), SizeIs(1));
  EXPECT_EQ(metrics_.malformed_observations.Value(), 2);
}

TEST_F(ReportMutations, WhatIsNotSupportedIsAcceptedAndCounted) {
  EXPECT_THAT(Accepted("reportTrafficLevelResults", "TrafficLevelResults",
                       Json::parse(R"([{"srcIP":"10.0.0.1","dstIP":"10.0.0.2",
                                        "bytesSent":5000000000,"flows":"3"}])")),
              IsEmpty());
  EXPECT_EQ(metrics_.unsupported_reports.Value(), 1);
}

TEST_F(ReportMutations, AFullMapperAnswersFalse) {
  sink_.has_room = false;
  HttpResponse response =
      Report("reportTCPCaptureResults", "CaptureTCPResults", Source({Destination()}));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, R"({"data":{"reportTCPCaptureResults":false}})");
  EXPECT_THAT(sink_.batches, IsEmpty());
  EXPECT_EQ(metrics_.full_reports.Value(), 1);
}

TEST_F(ReportMutations, ATimeThatIsNoneRefusesTheReportAfterValidation) {
  HttpResponse response = Report("reportTCPCaptureResults", "CaptureTCPResults",
                                 Source({Destination(), Destination({{"lastSeen", "yesterday"}})}));
  EXPECT_EQ(response.status, 200);
  Json body = Json::parse(response.body);
  EXPECT_EQ(body["errors"][0]["path"][0], "reportTCPCaptureResults");
  EXPECT_THAT(body["errors"][0]["message"].get<std::string>(), HasSubstr("yesterday"));
  EXPECT_EQ(body["data"], nullptr);
  EXPECT_THAT(sink_.batches, IsEmpty());
}

TEST_F(ReportMutations, AnEnumInTheWrongLetterCaseIsRefusedAfterValidation) {
  HttpResponse response =
      Report("reportIstioConnectionResults", "IstioConnectionResults", IstioConnection({"get"}));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(Json::parse(response.body)["errors"][0]["path"][0], "reportIstioConnectionResults");
  EXPECT_THAT(sink_.batches, IsEmpty());
}

TEST_F(ReportMutations, TimesAtTheEndsOfTheCalendarDoNoHarm) {
  for (const char* time :
       {"0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "1677-01-01T00:00:00Z"}) {
    HttpResponse response = Report("reportTCPCaptureResults", "CaptureTCPResults",
                                   Source({Destination({{"lastSeen", time}})}));
    EXPECT_EQ(response.status, 200) << time;
  }
}

TEST_F(ReportMutations, MutationsOfOneDocumentRunInItsOrder) {
  std::string document = "mutation {";
  for (const char* number : {"1", "2", "3"}) {
    document += " m" + std::string(number) +
                ": reportTCPCaptureResults(results: {results: {srcIp: \"10.0.0.1\", srcHostname: "
                "\"\", destinations: {destination: \"10.0.0." +
                number + "\", lastSeen: \"2024-01-02T03:04:05Z\"}}})";
  }
  EXPECT_EQ(Data(document + " }"), Json::parse(R"({"m1":true,"m2":true,"m3":true})"));
  std::vector<std::string> order;
  for (const Observation& observation : sink_.Observations()) {
    order.push_back(std::get<AddressTarget>(observation.target).address.ToString());
  }
  EXPECT_THAT(order, ElementsAre("10.0.0.1", "10.0.0.2", "10.0.0.3"));
}

}  // namespace
}  // namespace network_mapper
