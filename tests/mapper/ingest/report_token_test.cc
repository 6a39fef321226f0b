// Tokens of the report stream: who is let in, and how each side tells what it refuses.
#include <algorithm>
#include <atomic>

#include <gmock/gmock.h>

#include "common/concurrency/guarded.h"
#include "mapper/ingest/peer_log_limit.h"
#include "tests/mapper/ingest/report_tls_fixture.h"

namespace network_mapper {

namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kSniffer[] = "system:serviceaccount:otterize-system:otterize-network-sniffer";

class ReportTokenTest : public ReportTlsTest {
 protected:
  void SetUp() override {
    ReportTlsTest::SetUp();
    UseToken("good");
    identify_ = [this](const std::string& token, const auto& done) {
      asked_.With([&](auto& asked) { asked.push_back(token); });
      done(Verdict(token));
    };
  }

  static StatusOr<CollectorIdentity> Verdict(const std::string& token) {
    if (token == "good" || token == "renewed") {
      return CollectorIdentity{.user = kSniffer, .node_name = "node-1"};
    }
    if (token == "elsewhere") {
      return CollectorIdentity{.user = kSniffer, .node_name = "node-2"};
    }
    if (token == "watcher") {
      return CollectorIdentity{.user = "system:serviceaccount:otterize-system:kafka-watcher",
                               .node_name = "node-7",
                               .only = Collector::kKafka};
    }
    if (token == "other") {
      return PermissionDenied("system:serviceaccount:shop:client is no collector");
    }
    return Unauthenticated("the token is not valid");
  }

  void UseToken(const std::string& token) { client_options_.token_file = Put("token", token); }

  double Closed(StreamClose reason) {
    return ReportServerMetrics(server_metrics_).Closed(reason).Value();
  }

  size_t Asked(const std::string& token) const {
    return asked_.With([&](const auto& asked) {
      return static_cast<size_t>(std::count(asked.begin(), asked.end(), token));
    });
  }

  Guarded<std::vector<std::string>> asked_;
};

TEST_F(ReportTokenTest, LetsTheCollectorIn) {
  UseToken("good\n");
  auto server = StartServer();
  ExpectDelivery(server->Port());
  EXPECT_THAT(server->Collectors(), IsOk());
  EXPECT_EQ(Asked("good"), 1U);
}

TEST_F(ReportTokenTest, TakesFromAKafkaWatcherWhatIsOfKafka) {
  UseToken("watcher");
  auto server = StartServer();
  auto client = StartClient(server->Port());
  Observation kafka = NamedObservation("x");
  kafka.collector = Collector::kKafka;
  kafka.target = KafkaTarget{"broker-0", "kafka", "orders", KafkaOperation::kConsume, true};
  client->Report({NamedObservation("a"), kafka, kafka}, {});
  ASSERT_TRUE(client->Flush(In(10s))) << client->State().last_error;
  EXPECT_EQ(sink_.Observations(), 2U);
  EXPECT_EQ(sink_.OpenedStreams("node-7"), 1);
  EXPECT_EQ(ReportServerMetrics(server_metrics_).Refused(ObservationRefusal::kNotAllowed).Value(),
            1);
}

TEST_F(ReportTokenTest, RefusesACollectorWithoutAToken) {
  client_options_.token_file.clear();
  auto server = StartServer();
  EXPECT_THAT(ExpectRefusal(*server),
              AllOf(HasSubstr("a ServiceAccount token was expected"), HasSubstr("--token-file")));
  EXPECT_GE(Closed(StreamClose::kBadToken), 1);
  EXPECT_EQ(asked_.With([](const auto& asked) { return asked.size(); }), 0U);
}

TEST_F(ReportTokenTest, RefusesATokenThatIsNotValid) {
  UseToken("bad");
  auto server = StartServer();
  EXPECT_THAT(ExpectRefusal(*server),
              AllOf(HasSubstr("the token is not valid"), HasSubstr("--token-audience")));
  EXPECT_GE(Closed(StreamClose::kBadToken), 1);
  EXPECT_THAT(server->Collectors(),
              StatusIs(StatusCode::kUnauthenticated, HasSubstr("the token is not valid")));
}

TEST_F(ReportTokenTest, RefusesSomebodyElsesToken) {
  UseToken("other");
  auto server = StartServer();
  EXPECT_THAT(ExpectRefusal(*server),
              AllOf(HasSubstr("shop:client"), HasSubstr("--collector-service-accounts")));
  EXPECT_GE(Closed(StreamClose::kNotACollector), 1);
}

TEST_F(ReportTokenTest, RefusesACollectorThatSpeaksForAnotherNode) {
  UseToken("elsewhere");
  auto server = StartServer();
  EXPECT_THAT(ExpectRefusal(*server),
              AllOf(HasSubstr("node-1"), HasSubstr("node-2"), HasSubstr("--node-name")));
  EXPECT_GE(Closed(StreamClose::kNotACollector), 1);
}

TEST_F(ReportTokenTest, UsesARenewedTokenFromTheNextConnectionOn) {
  UseToken("expired");
  auto server = StartServer();
  auto client = StartClient(server->Port());
  client->Report({NamedObservation("a")}, {});
  ASSERT_TRUE(Eventually([&] { return Asked("expired") > 0; }));
  UseToken("renewed");
  EXPECT_TRUE(client->Flush(In(10s))) << client->State().last_error;
}

TEST_F(ReportTokenTest, GoesOnWhenTheFileComesBack) {
  auto server = StartServer();
  auto client = StartClient(server->Port());
  client->Report({NamedObservation("a")}, {});
  ASSERT_TRUE(client->Flush(In(10s)));
  std::filesystem::remove(client_options_.token_file);
  uint16_t port = server->Port();
  server.reset();
  ASSERT_TRUE(Eventually(
      [&] { return client->State().last_error.find("option token-file") != std::string::npos; }));
  server = StartServer(port);
  client->Report({NamedObservation("b")}, {});
  UseToken("good");
  EXPECT_TRUE(client->Flush(In(10s))) << client->State().last_error;
}

// As long as the API server is away.
TEST_F(ReportTokenTest, KeepsReportsWhileTokensCannotBeChecked) {
  std::atomic<bool> away = true;
  identify_ = [&](const std::string& token, const auto& done) {
    done(away ? StatusOr<CollectorIdentity>(Unavailable("the token cannot be checked: no answer"))
              : Verdict(token));
  };
  auto server = StartServer();
  EXPECT_THAT(ExpectRefusal(*server), HasSubstr("see its log"));
  EXPECT_GE(Closed(StreamClose::kUncheckedToken), 1);
  away = false;
  ExpectDelivery(server->Port());
}

// Neither waits for a verdict for ever, nor is anything read before it.
TEST_F(ReportTokenTest, ReadsNothingBeforeTheVerdict) {
  server_options_.hello_timeout = 300ms;
  std::function<void(StatusOr<CollectorIdentity>)> late;
  identify_ = [&](const std::string&, const auto& done) { late = done; };
  auto server = StartServer();
  auto client = StartClient(server->Port());
  client->Report({NamedObservation("a")}, {});
  ASSERT_TRUE(Eventually([&] { return Closed(StreamClose::kUncheckedToken) >= 1; }));
  EXPECT_EQ(sink_.Observations(), 0U);
  EXPECT_FALSE(client->State().connected);
  client->Stop();
  server.reset();
  late(Verdict("good"));
  EXPECT_EQ(sink_.Observations(), 0U);
}

TEST_F(ReportTokenTest, SaysWhichTokenFileCannotBeUsed) {
  client_options_.token_file = directory_.Path() / "absent";
  EXPECT_THAT(
      ErrorAtClientStart(),
      StatusIs(StatusCode::kNotFound, AllOf(HasSubstr("option token-file"), HasSubstr("absent"))));
  for (const std::string& content :
       {std::string(), std::string(" \n"), std::string("two words"), std::string("a\x01")}) {
    UseToken(content);
    EXPECT_THAT(StatusMessage(ErrorAtClientStart()), HasSubstr("token holds no token"));
  }
  UseToken(std::string(20'000, 'a'));
  EXPECT_THAT(StatusMessage(ErrorAtClientStart()), HasSubstr("is longer than"));
  client_options_.token_file = directory_.Path();
  EXPECT_THAT(StatusMessage(ErrorAtClientStart()), HasSubstr("option token-file: read"));
}

TEST_F(ReportTokenTest, SendsNoTokenInTheClear) {
  client_options_.tls = {};
  EXPECT_THAT(StatusMessage(ErrorAtClientStart()), HasSubstr("over TLS only"));
}

TEST(PeerLogLimit, AllowsALineForEachAddressAndReason) {
  PeerLogLimit limit;
  SteadyTime now = In(0ms);
  EXPECT_TRUE(limit.Allow("ipv4:10.0.0.1:4711", StreamClose::kBadToken, now));
  EXPECT_FALSE(limit.Allow("ipv4:10.0.0.1:4712", StreamClose::kBadToken, now + 59min));
  EXPECT_TRUE(limit.Allow("ipv4:10.0.0.1:4713", StreamClose::kBadMessage, now));
  EXPECT_TRUE(limit.Allow("ipv6:%5Bfd00::1%5D:4711", StreamClose::kBadToken, now));
  EXPECT_TRUE(limit.Allow("ipv4:10.0.0.1:4711", StreamClose::kBadToken, now + 61min));
  for (int i = 0; i < 2000; ++i) {
    limit.Allow(fmt::format("ipv4:10.1.{}.{}:1", i / 250, i % 250), StreamClose::kBadToken, now);
  }
  EXPECT_FALSE(limit.Allow("ipv4:10.2.0.1:4711", StreamClose::kBadToken, now));
}

}  // namespace

}  // namespace network_mapper
