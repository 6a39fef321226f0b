#include "common/report/observation_codec.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "network_mapper/v1/report.pb.h"

namespace network_mapper {

namespace {

Observation Base(Collector collector) {
  Observation observation;
  observation.collector = collector;
  observation.first_seen = Time(std::chrono::seconds(1'700'000'000)) + std::chrono::nanoseconds(5);
  observation.last_seen = observation.first_seen + std::chrono::milliseconds(1500);
  observation.count = 3;
  observation.client.ip = IpAddress::Parse("fd00::7");
  observation.client.pod_uid = PodUid::Parse("00112233-4455-6677-8899-aabbccddeeff");
  observation.client.hostname = "client-0";
  return observation;
}

std::vector<Observation> OneOfEach() {
  Observation dns = Base(Collector::kDns);
  dns.target = NameTarget{.name = "db.shop.svc",
                          .addresses = {*IpAddress::Parse("10.0.0.9")},
                          .ttl = std::chrono::seconds(30)};
  Observation syn = Base(Collector::kTcpSyn);
  syn.target = AddressTarget{
      .address = *IpAddress::Parse("10.0.0.9"), .port = 443, .protocol = {}, .answered = 2};
  Observation scan = syn;
  scan.collector = Collector::kSocketScan;
  Observation kafka = Base(Collector::kKafka);
  kafka.target = KafkaTarget{.broker_pod = "kafka-0",
                             .broker_namespace = "kafka",
                             .topic = "orders",
                             .operation = KafkaOperation::kDescribeConfigs,
                             .allowed = false};
  Observation istio = Base(Collector::kIstio);
  istio.target = HttpTarget{.client_workload = "web",
                            .client_namespace = "shop",
                            .server_workload = "cart",
                            .server_namespace = "shop",
                            .service = "cart",
                            .path = "/items",
                            .methods = {HttpMethod::kGet, HttpMethod::kPatch}};
  Observation tcp = Base(Collector::kIstio);
  tcp.target = HttpTarget{.client_workload = "web",
                          .client_namespace = "shop",
                          .server_workload = "db",
                          .server_namespace = "shop",
                          .service = "",
                          .path = "",
                          .methods = {},
                          .answered = false,
                          .connections_only = true};
  Observation aws = Base(Collector::kAws);
  aws.target = AwsTarget{.resource_arn = "arn:aws:s3:::b",
                         .actions = {"s3:GetObject"},
                         .iam_role = "arn:aws:iam::1:role/web",
                         .client_name = "web",
                         .client_namespace = "shop",
                         .region = "eu-west-1",
                         .allowed = false};
  return {dns, syn, scan, kafka, istio, aws, tcp};
}

v1::Observation Encoded(const Observation& observation) {
  v1::Observation message;
  EncodeObservation(observation, message);
  return message;
}

TEST(ObservationCodec, EveryKindSurvivesTheJourney) {
  for (const Observation& observation : OneOfEach()) {
    v1::Observation message = Encoded(observation);
    auto decoded = DecodeObservation(message);
    ASSERT_TRUE(std::holds_alternative<Observation>(decoded))
        << CollectorName(observation.collector) << ": "
        << ObservationRefusalName(std::get<ObservationRefusal>(decoded));
    const auto& back = std::get<Observation>(decoded);
    EXPECT_EQ(back.first_seen, observation.first_seen);
    EXPECT_EQ(back.client.pod_uid, observation.client.pod_uid);
    EXPECT_EQ(Encoded(back).SerializeAsString(), message.SerializeAsString());
  }
}

TEST(ObservationCodec, AnswersAndConnectionsSurviveTheJourney) {
  for (const size_t kind : {size_t{4}, size_t{6}}) {
    const Observation observation = OneOfEach()[kind];
    const auto& sent = std::get<HttpTarget>(observation.target);
    const auto decoded = std::get<Observation>(DecodeObservation(Encoded(observation)));
    const auto& back = std::get<HttpTarget>(decoded.target);
    EXPECT_EQ(back.answered, sent.answered);
    EXPECT_EQ(back.connections_only, sent.connections_only);
  }
}

TEST(ObservationCodec, EveryKafkaOperationSurvivesTheJourney) {
  Observation observation = OneOfEach()[3];
  for (int i = 0; i <= static_cast<int>(KafkaOperation::kIdempotentWrite); ++i) {
    std::get<KafkaTarget>(observation.target).operation = static_cast<KafkaOperation>(i);
    auto decoded = DecodeObservation(Encoded(observation));
    EXPECT_EQ(std::get<KafkaTarget>(std::get<Observation>(decoded).target).operation,
              static_cast<KafkaOperation>(i));
  }
}

struct Damage {
  size_t kind;
  std::function<void(v1::Observation&)> apply;
  ObservationRefusal expected;
};

TEST(ObservationCodec, RefusesWhatIsNotWellFormedWithItsReason) {
  using R = ObservationRefusal;
  using M = v1::Observation;
  const std::vector<Damage> damages = {
      {0, [](M& m) { m.set_collector(v1::COLLECTOR_UNSPECIFIED); }, R::kUnknownEnum},
      {0, [](M& m) { m.clear_first_seen(); }, R::kBadTime},
      {6, [](M& m) { m.mutable_http()->set_path("/"); }, R::kWrongTarget},
      {6, [](M& m) { m.mutable_http()->add_methods("GET"); }, R::kWrongTarget},
      {0, [](M& m) { m.mutable_last_seen()->set_seconds(INT64_MAX); }, R::kBadTime},
      {0, [](M& m) { m.mutable_last_seen()->set_nanos(-1); }, R::kBadTime},
      {0, [](M& m) { m.mutable_last_seen()->set_seconds(1'600'000'000); }, R::kBadTime},
      {0, [](M& m) { m.set_count(0); }, R::kBadCount},
      {0, [](M& m) { m.set_count(UINT64_MAX); }, R::kBadCount},
      {0, [](M& m) { m.clear_client(); }, R::kMissingClient},
      {0, [](M& m) { m.mutable_client()->set_ip("abc"); }, R::kBadAddress},
      {0, [](M& m) { m.mutable_client()->set_ip(std::string(17, 'x')); }, R::kBadAddress},
      {0, [](M& m) { m.mutable_client()->set_pod_uid("short"); }, R::kBadAddress},
      {0, [](M& m) { m.mutable_client()->set_hostname(std::string(256, 'h')); }, R::kTooLong},
      {0, [](M& m) { m.clear_target(); }, R::kMissingTarget},
      {0, [](M& m) { m.set_collector(v1::COLLECTOR_AWS); }, R::kWrongTarget},
      {0, [](M& m) { m.mutable_name()->clear_name(); }, R::kEmptyText},
      {0, [](M& m) { m.mutable_name()->set_name(std::string(1025, 'n')); }, R::kTooLong},
      {0, [](M& m) { m.mutable_name()->set_name("\xed\xa0\x80"); }, R::kNotUtf8},
      {0, [](M& m) { m.mutable_name()->add_addresses("x"); }, R::kBadAddress},
      {0,
       [](M& m) {
         for (int i = 0; i < 1025; ++i) {
           m.mutable_name()->add_addresses("1234");
         }
       },
       R::kTooMany},
      {1, [](M& m) { m.mutable_address()->set_port(65536); }, R::kBadAddress},
      {1, [](M& m) { m.mutable_address()->set_port(0); }, R::kBadAddress},
      {1, [](M& m) { m.mutable_address()->clear_address(); }, R::kBadAddress},
      {1, [](M& m) { m.mutable_address()->clear_protocol(); }, R::kUnknownEnum},
      {3, [](M& m) { m.mutable_kafka()->set_operation("Chew"); }, R::kUnknownEnum},
      {3, [](M& m) { m.mutable_kafka()->clear_topic(); }, R::kEmptyText},
      {4, [](M& m) { m.mutable_http()->add_methods("BREW"); }, R::kUnknownEnum},
      {4, [](M& m) { m.mutable_http()->set_path(std::string(2049, '/')); }, R::kTooLong},
      {5, [](M& m) { m.mutable_aws()->clear_resource_arn(); }, R::kEmptyText},
      {5, [](M& m) { m.mutable_aws()->add_actions(std::string(256, 'a')); }, R::kTooLong},
      {5, [](M& m) { m.mutable_aws()->set_resource_arn("bills"); }, R::kNotAnArn},
      {5, [](M& m) { m.mutable_aws()->set_resource_arn("arn:aws:s3:bills"); }, R::kNotAnArn},
      {5, [](M& m) { m.mutable_aws()->set_resource_arn("**"); }, R::kNotAnArn},
      {5, [](M& m) { m.mutable_aws()->set_iam_role("role"); }, R::kNotAnArn},
  };
  for (size_t i = 0; i < damages.size(); ++i) {
    v1::Observation message = Encoded(OneOfEach()[damages[i].kind]);
    damages[i].apply(message);
    auto decoded = DecodeObservation(message);
    ASSERT_TRUE(std::holds_alternative<ObservationRefusal>(decoded)) << "damage " << i;
    EXPECT_EQ(std::get<ObservationRefusal>(decoded), damages[i].expected) << "damage " << i;
  }
}

// Whoever lists the map must not see lines that a client has written, nor obey it.
TEST(ObservationCodec, RefusesControlCharactersInEveryText) {
  using M = v1::Observation;
  using Texts = std::vector<std::pair<size_t, std::function<void(M&, const std::string&)>>>;
  const Texts texts = {
      {0, [](M& m, const std::string& text) { m.mutable_client()->set_hostname(text); }},
      {0, [](M& m, const std::string& text) { m.mutable_name()->set_name(text); }},
      {3, [](M& m, const std::string& text) { m.mutable_kafka()->set_broker_pod(text); }},
      {3, [](M& m, const std::string& text) { m.mutable_kafka()->set_broker_namespace(text); }},
      {3, [](M& m, const std::string& text) { m.mutable_kafka()->set_topic(text); }},
      {4, [](M& m, const std::string& text) { m.mutable_http()->set_client_workload(text); }},
      {4, [](M& m, const std::string& text) { m.mutable_http()->set_client_namespace(text); }},
      {4, [](M& m, const std::string& text) { m.mutable_http()->set_server_workload(text); }},
      {4, [](M& m, const std::string& text) { m.mutable_http()->set_server_namespace(text); }},
      {4, [](M& m, const std::string& text) { m.mutable_http()->set_service(text); }},
      {4, [](M& m, const std::string& text) { m.mutable_http()->set_path(text); }},
      {5, [](M& m, const std::string& text) { m.mutable_aws()->set_resource_arn(text); }},
      {5, [](M& m, const std::string& text) { m.mutable_aws()->add_actions(text); }},
      {5, [](M& m, const std::string& text) { m.mutable_aws()->set_iam_role(text); }},
      {5, [](M& m, const std::string& text) { m.mutable_aws()->set_region(text); }},
      {5, [](M& m, const std::string& text) { m.mutable_aws()->set_client_name(text); }},
      {5, [](M& m, const std::string& text) { m.mutable_aws()->set_client_namespace(text); }},
  };
  for (size_t i = 0; i < texts.size(); ++i) {
    for (const char* bad : {"\n", "\x1B[2J", "\x7F", "\t", "\xC2\x9B"}) {
      v1::Observation message = Encoded(OneOfEach()[texts[i].first]);
      texts[i].second(message, std::string("arn:aws:s3:::a") + bad + "b");
      const auto decoded = DecodeObservation(message);
      ASSERT_TRUE(std::holds_alternative<ObservationRefusal>(decoded)) << "text " << i;
      EXPECT_EQ(std::get<ObservationRefusal>(decoded), ObservationRefusal::kControlCharacter)
          << "text " << i;
    }
  }
}

TEST(ObservationCodec, TakesTheStarThatStandsForAResourceNotKnown) {
  Observation observation = OneOfEach()[5];
  std::get<AwsTarget>(observation.target).resource_arn = "*";
  EXPECT_EQ(CheckObservation(observation), std::nullopt);
}

TEST(ObservationCodec, LetsALateAnswerCountNoEvents) {
  Observation observation = OneOfEach()[1];
  observation.count = 0;
  EXPECT_EQ(CheckObservation(observation), std::nullopt);
  std::get<AddressTarget>(observation.target).answered = 0;
  EXPECT_EQ(CheckObservation(observation), ObservationRefusal::kBadCount);
}

TEST(ObservationCodec, LetsAConnectionThatIsStillOpenCountNoEvents) {
  Observation observation = OneOfEach()[1];
  std::get<AddressTarget>(observation.target).answered = 0;
  observation.count = 0;
  EXPECT_EQ(CheckObservation(observation), ObservationRefusal::kBadCount);
  observation.collector = Collector::kSocketScan;
  EXPECT_EQ(CheckObservation(observation), std::nullopt);
}

TEST(ObservationCodec, SurvivesTruncationAtEachByte) {
  for (const Observation& observation : OneOfEach()) {
    std::string bytes = Encoded(observation).SerializeAsString();
    for (size_t length = 0; length < bytes.size(); ++length) {
      v1::Observation message;
      if (message.ParseFromString(bytes.substr(0, length))) {
        auto decoded = DecodeObservation(message);
        if (auto* whole = std::get_if<Observation>(&decoded)) {
          EXPECT_EQ(CheckObservation(*whole), std::nullopt);
        }
      }
    }
  }
}

TEST(ObservationCodec, TotalsAreBoundedSoThatTheirSumIs) {
  v1::CollectorStatistics message;
  message.set_packets_received(UINT64_MAX);
  EXPECT_EQ(DecodeTotals(message).packets_received, kMaxEventCount);
}

TEST(ObservationCodec, NoticesAreFewShortLines) {
  v1::CollectorStatistics message;
  message.add_notices("a\nb\x1B[2Jé");
  message.add_notices(std::string(kLongestNotice - 1, 'x') + "é");
  for (size_t i = 2; i < kMostNotices + 3; ++i) {
    message.add_notices("more");
  }
  const std::vector<std::string> notices = DecodeTotals(message).notices;
  ASSERT_EQ(notices.size(), kMostNotices);
  EXPECT_EQ(notices[0], "a b [2Jé");
  EXPECT_EQ(notices[1], std::string(kLongestNotice - 1, 'x'));
}

TEST(ObservationCodec, TotalsSurviveTheJourney) {
  CollectorTotals totals{.packets_received = 1,
                         .packets_dropped_by_kernel = 2,
                         .observations_dropped_from_spool = 3,
                         .malformed_packets = 4,
                         .log_lines_read = 5,
                         .log_lines_refused = 6,
                         .sent_at = Time(std::chrono::nanoseconds(1767225600123456789)),
                         .notices = {"one", "two"}};
  v1::CollectorStatistics message;
  EncodeTotals(totals, message);
  EXPECT_EQ(DecodeTotals(message), totals);
}

}  // namespace

}  // namespace network_mapper
