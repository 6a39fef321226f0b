// The AWS visibility webhook's real binary, between an API server's stand-in and somebody who calls
// it as an API server does: by TLS, with no other trust than the caBundle that the webhook wrote.
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "aws-visibility/ca/authority.h"
#include "aws-visibility/ca/aws_names.h"
#include "common/kube/base64.h"
#include "common/kube/data_object.h"
#include "tests/aws-visibility/ca/verify_chain.h"
#include "tests/aws-visibility/proxy/tls_peers.h"
#include "tests/integration/daemon_process.h"
#include "tests/support/kube_stand_in/kube_stand_in.h"
#include "tests/support/shifted_clock.h"
#include "tests/support/status_matchers.h"

namespace network_mapper::aws {

namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;
using stand_in::FaultKind;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kWebhook = "otterize-aws-visibility-webhook";
constexpr const char* kHost = "otterize-aws-visibility-webhook.default.svc";
constexpr const char* kState = "authorities.json";

class Replica {
 public:
  explicit Replica(const std::string& api_server, std::vector<std::string> environment = {})
      : process_("network-mapper-aws-webhook",
                 {"--kube-api-url=" + api_server, "--webhook-port=" + std::to_string(port_)},
                 std::move(environment)) {}

  DaemonProcess& Process() { return process_; }

  // What it speaks TLS with is trusted by `roots` only (PEM), for the Service's name.
  PeerConnection Connect(const std::string& roots) const {
    return ConnectPeer(port_, {.server_name = kHost, .roots = roots});
  }

  // PEM; empty when there is no TLS.
  std::string Certificate() const {
    const PeerConnection connection = ConnectPeer(port_, {.server_name = kHost});
    return connection.stream == nullptr ? "" : connection.stream->PeerCertificate();
  }

 private:
  const uint16_t port_ = FreePort();
  DaemonProcess process_;
};

std::string Review(const std::string& name_space) {
  const std::string body =
      Json{{"apiVersion", "admission.k8s.io/v1"},
           {"kind", "AdmissionReview"},
           {"request",
            {{"uid", "705ab4f5-6393-11e8-b7cc-42010a800002"},
             {"resource", {{"group", ""}, {"version", "v1"}, {"resource", "pods"}}},
             {"namespace", name_space},
             {"operation", "CREATE"},
             {"object",
              {{"metadata", {{"labels", {{"network-mapper.otterize.com/aws-visibility", "true"}}}}},
               {"spec", {{"containers", {{{"name", "app"}, {"image", "app"}}}}}}}}}}}
          .dump();
  return "POST /mutate-v1-pod?timeout=5s HTTP/1.1\r\nHost: " + std::string(kHost) +
         ":443\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
}

// The `response` in an answer with status 200; null otherwise.
Json ResponseOf(const std::string& answer) {
  const size_t body = answer.find("\r\n\r\n");
  if (!answer.starts_with("HTTP/1.1 200 ") || body == std::string::npos) {
    return nullptr;
  }
  const Json review = Json::parse(answer.substr(body), nullptr, false);
  return review.is_object() ? review.value("response", Json()) : Json();
}

class AwsWebhook : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = stand_in::KubeStandIn::Start({});
    ASSERT_THAT(started, IsOk());
    cluster_ = *std::move(started);
    client_ = *kube::Client::Create(*kube::ServerUrlAccess(cluster_->Url()));
    // As the chart makes them.
    Apply({{"apiVersion", "v1"}, {"kind", "Secret"}, {"metadata", Named(kWebhook)}});
    Apply({{"apiVersion", "admissionregistration.k8s.io/v1"},
           {"kind", "MutatingWebhookConfiguration"},
           {"metadata", {{"name", kWebhook}}},
           {"webhooks", {{{"name", "pods.otterize.com"}, {"clientConfig", Json::object()}}}}});
    const std::string authority =
        MakeAuthority({.title = "AWS visibility", .domains = AwsDomains()}, Clock::System().Now())
            ->certificate;
    Apply({{"apiVersion", "v1"},
           {"kind", "ConfigMap"},
           {"metadata", Named("otterize-aws-visibility-ca")},
           {"data", {{"ca.crt", authority}}}});
    for (const std::string name :
         {"otterize-aws-visibility-dns", "otterize-aws-visibility-proxy"}) {
      Json slice_name = Named(name + "-x");
      slice_name["labels"] = {{"kubernetes.io/service-name", name}};
      Apply({{"apiVersion", "v1"},
             {"kind", "Service"},
             {"metadata", Named(name)},
             {"spec", {{"clusterIP", "10.96.0.53"}}}});
      Apply({{"apiVersion", "discovery.k8s.io/v1"},
             {"kind", "EndpointSlice"},
             {"metadata", slice_name},
             {"endpoints", {{{"addresses", {"10.0.0.1"}}, {"conditions", {{"ready", true}}}}}}});
    }
  }

  static Json Named(const std::string& name) { return {{"name", name}, {"namespace", "default"}}; }

  void Apply(const Json& object) { ASSERT_THAT(cluster_->Objects().Apply(object.dump()), IsOk()); }

  std::unique_ptr<Replica> Start(std::vector<std::string> environment = {}) const {
    return std::make_unique<Replica>(cluster_->Url(), std::move(environment));
  }

  std::string Secret() const {
    const auto secret = kube::ReadData(
        *client_, {.kind = kube::DataKind::kSecret, .name_space = "default", .name = kWebhook});
    const auto found = secret->values.find(kState);
    return found == secret->values.end() ? "" : found->second;
  }

  void WriteSecret(const std::string& state) {
    Json secret = {{"apiVersion", "v1"}, {"kind", "Secret"}, {"metadata", Named(kWebhook)}};
    if (!state.empty()) {
      secret["data"] = {{kState, kube::EncodeBase64(state)}};
    }
    Apply(secret);
  }

  // PEM; empty before it is there.
  std::string CaBundle() const {
    const auto answer = client_->Get(
        std::string("/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/") +
        kWebhook);
    const std::string bundle =
        Json::parse(answer->body)["webhooks"][0]["clientConfig"].value("caBundle", "");
    return *kube::DecodeBase64(bundle);
  }

  // As the API server asks; null when there is no answer.
  Json Ask(const Replica& replica, const std::string& name_space) const {
    const PeerConnection connection = replica.Connect(CaBundle());
    EXPECT_EQ(connection.failure, "");
    if (connection.stream == nullptr || !connection.stream->Send(Review(name_space))) {
      return nullptr;
    }
    return ResponseOf(connection.stream->ReceiveAll());
  }

  // It may look at services and certificates for a moment before it patches.
  bool Patches(const Replica& replica, const std::string& name_space) const {
    return Eventually([&] {
      const Json response = Ask(replica, name_space);
      return response.is_object() && response.contains("patch");
    });
  }

  // All requests there, until the faults are cleared.
  void Break(FaultKind kind, const std::string& path, const std::string& verb = "") {
    cluster_->Faults().Add({.kind = kind, .path = path, .verb = verb, .count = 1'000'000});
  }

  std::unique_ptr<stand_in::KubeStandIn> cluster_;
  std::shared_ptr<kube::Client> client_;
};

TEST_F(AwsWebhook, MakesWhatTheApiServerTrustsItBy) {
  const auto replica = Start();
  ASSERT_TRUE(replica->Process().BecomesReady()) << replica->Process().Log();
  const auto authorities = DecodeAuthorities(Secret());
  ASSERT_THAT(authorities, IsOk());
  EXPECT_EQ(PublicCertificates(*authorities), CaBundle());
  EXPECT_TRUE(Patches(*replica, "shop")) << replica->Process().Log();
  const Json response = Ask(*replica, "shop");
  EXPECT_EQ(response["uid"], "705ab4f5-6393-11e8-b7cc-42010a800002");
  EXPECT_EQ(response["allowed"], true);
  EXPECT_THAT(*kube::DecodeBase64(response["patch"].get<std::string>()), HasSubstr("10.96.0.53"));
  // The volume that the patch names is there before the pod is.
  EXPECT_THAT(kube::ReadData(*client_, {.kind = kube::DataKind::kConfigMap,
                                        .name_space = "shop",
                                        .name = "otterize-aws-visibility-ca"}),
              IsOk());
  // Its own namespace's pods have none.
  EXPECT_FALSE(Ask(*replica, "default").contains("patch"));
  // The bundle is good for this certificate and no other, and the certificate for this name.
  const TestAuthority other;
  EXPECT_THAT(replica->Connect(other.Pem()).failure, HasSubstr("certificate verify failed"));
  EXPECT_EQ(Verify(replica->Certificate(), CaBundle(), kHost, Clock::System().Now()), "ok");
  EXPECT_EQ(
      Verify(replica->Certificate(), CaBundle(), "kubernetes.default.svc", Clock::System().Now()),
      "hostname mismatch");
  EXPECT_THAT(replica->Process().Log(), Not(HasSubstr("PRIVATE KEY")));
}

TEST_F(AwsWebhook, ReplicasShareOneAuthority) {
  std::vector<std::unique_ptr<Replica>> replicas;
  for (int i = 0; i < 3; ++i) {
    replicas.push_back(Start());
  }
  for (const auto& replica : replicas) {
    ASSERT_TRUE(replica->Process().BecomesReady()) << replica->Process().Log();
  }
  const auto authorities = DecodeAuthorities(Secret());
  ASSERT_THAT(authorities, IsOk());
  EXPECT_EQ(authorities->size(), 1U);
  EXPECT_EQ(CaBundle(), authorities->front().certificate);
  for (const auto& replica : replicas) {
    EXPECT_EQ(replica->Connect(CaBundle()).failure, "");
  }
  const std::string state = Secret();
  const auto late = Start();
  ASSERT_TRUE(late->Process().BecomesReady()) << late->Process().Log();
  EXPECT_EQ(late->Connect(CaBundle()).failure, "");
  EXPECT_EQ(Secret(), state);
}

TEST_F(AwsWebhook, IsNotReadyUntilItCanSpeakTls) {
  Break(FaultKind::kInternalError, "/secrets/");
  const auto replica = Start();
  ASSERT_TRUE(replica->Process().ReadinessBecomes(503, "Secret default/otterize-aws-visibility"))
      << replica->Process().Log();
  EXPECT_EQ(replica->Connect("").stream, nullptr);
  cluster_->Faults().Clear();
  ASSERT_TRUE(replica->Process().BecomesReady()) << replica->Process().Log();
  EXPECT_EQ(replica->Connect(CaBundle()).failure, "");
}

TEST_F(AwsWebhook, LeavesADamagedSecretAloneAndSaysHowToMend) {
  const auto older = Start();
  ASSERT_TRUE(older->Process().BecomesReady()) << older->Process().Log();
  const std::string bundle = CaBundle();
  WriteSecret("rubbish, mykeymykeymykey");
  const auto younger = Start();
  ASSERT_TRUE(younger->Process().ReadinessBecomes(503, "is damaged"));
  const std::string text = younger->Process().Ready().text;
  EXPECT_THAT(text,
              AllOf(HasSubstr("Secret default/otterize-aws-visibility-webhook"),
                    HasSubstr("put back what was there"),
                    HasSubstr("kubectl patch secret -n default otterize-aws-visibility-webhook "
                              "--type=json"),
                    HasSubstr("/data/authorities.json")));
  EXPECT_THAT(younger->Process().Log(), AllOf(HasSubstr("is damaged"), Not(HasSubstr("mykey"))));
  EXPECT_THAT(text, Not(HasSubstr("mykey")));
  EXPECT_EQ(Secret(), "rubbish, mykeymykeymykey");
  EXPECT_EQ(CaBundle(), bundle);
  // Who has an authority goes on.
  EXPECT_EQ(older->Connect(bundle).failure, "");
  // What the command in the message does.
  WriteSecret("");
  ASSERT_TRUE(younger->Process().BecomesReady()) << younger->Process().Log();
  EXPECT_NE(CaBundle(), bundle);
  EXPECT_EQ(younger->Connect(CaBundle()).failure, "");
  // It looks every 30 seconds; until then the API server passes it over.
  EXPECT_TRUE(Eventually([&] { return older->Connect(CaBundle()).failure.empty(); }, 40s))
      << older->Process().Log();
}

TEST_F(AwsWebhook, NamesTheRightThatItLacks) {
  Break(FaultKind::kForbidden, "/secrets/", "update");
  const auto replica = Start();
  ASSERT_TRUE(replica->Process().ReadinessBecomes(503, "cannot update resource"))
      << replica->Process().Ready().text;
  const auto secret_right =
      AllOf(HasSubstr("Secret default/otterize-aws-visibility-webhook needs the right update"),
            HasSubstr("secrets"), HasSubstr("403"));
  EXPECT_THAT(replica->Process().Ready().text, secret_right);
  EXPECT_THAT(replica->Process().Log(), secret_right);
  // It serves without this one: somebody else may have written the bundle.
  cluster_->Faults().Clear();
  Break(FaultKind::kForbidden, "/mutatingwebhookconfigurations/", "update");
  ASSERT_TRUE(replica->Process().ReadinessBecomes(200, "mutatingwebhookconfigurations"))
      << replica->Process().Ready().text;
  EXPECT_THAT(replica->Process().Ready().text,
              AllOf(HasSubstr("degraded"), HasSubstr("cannot update resource"),
                    HasSubstr("admissionregistration.k8s.io"), HasSubstr(kWebhook)));
  EXPECT_EQ(CaBundle(), "");
  cluster_->Faults().Clear();
  EXPECT_TRUE(Eventually([&] { return !CaBundle().empty(); })) << replica->Process().Log();
  EXPECT_EQ(replica->Connect(CaBundle()).failure, "");
}

TEST_F(AwsWebhook, RenewsItsCertificateBeforeTheEnd) {
  ASSERT_TRUE(std::filesystem::exists(ShiftedClock::kLibrary)) << "Debian's package faketime";
  ShiftedClock clock;
  const auto replica = Start(clock.Environment());
  ASSERT_TRUE(replica->Process().BecomesReady()) << replica->Process().Log();
  std::string shown = replica->Certificate();
  // A certificate lives for seven days.
  for (const std::chrono::hours ahead : {86h, 172h, 258h}) {
    clock.Set(ahead);
    EXPECT_TRUE(Eventually([&] { return replica->Certificate() != shown; }))
        << replica->Process().Log();
    shown = replica->Certificate();
    EXPECT_EQ(Verify(shown, CaBundle(), kHost, Clock::System().Now() + ahead), "ok");
    EXPECT_EQ(replica->Process().Ready().status, 200);
  }
}

TEST_F(AwsWebhook, AnswersWhatItBeganAndEnds) {
  const auto replica = Start();
  ASSERT_TRUE(replica->Process().BecomesReady()) << replica->Process().Log();
  ASSERT_TRUE(Patches(*replica, "shop"));
  // One that is silent, one that has sent half a request, one that waits for an answer: making the
  // ConfigMap of its namespace takes longer than the webhook waits.
  const PeerConnection idle = replica->Connect(CaBundle());
  const PeerConnection half = replica->Connect(CaBundle());
  const PeerConnection whole = replica->Connect(CaBundle());
  ASSERT_TRUE(idle.stream && half.stream && whole.stream);
  ASSERT_TRUE(half.stream->Send(Review("bank").substr(0, 100)));
  Break(FaultKind::kSilent, "/namespaces/bank/configmaps");
  const int pending = cluster_->Faults().Pending();
  ASSERT_TRUE(whole.stream->Send(Review("bank")));
  ASSERT_TRUE(Eventually([&] { return cluster_->Faults().Pending() < pending; }));
  replica->Process().Signal(SIGTERM);
  const Json response = ResponseOf(whole.stream->ReceiveAll());
  ASSERT_TRUE(response.is_object());
  EXPECT_EQ(response["allowed"], true);
  EXPECT_FALSE(response.contains("patch"));
  EXPECT_THAT(response["warnings"][0].get<std::string>(), HasSubstr("not patched"));
  EXPECT_EQ(replica->Process().WaitForExit(10s), 0);
  EXPECT_THAT(replica->Process().Log(), HasSubstr("AWS visibility webhook stopped"));
}

TEST(AwsWebhookOptions, ThatAreWrongAreNamed) {
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"--trust=some", "trust"},
      {"--trsut=all", "--trust"},
      {"--webhook-port=70000", "webhook-port"},
      {"--webhook-authority-lifetime=1h", "webhook-authority-lifetime"},
      {"--ca-config-map=a.b", "option ca-config-map: \"a.b\" has a dot"},
      {"--dns-service=A B", "option dns-service: \"A B\" is no name"},
      {"--node-search-domains=a..b", "option node-search-domains: \"a..b\""},
      {"--node-search-domains=a-.b", "option node-search-domains: \"a-.b\""},
      {"--excluded-namespaces=a/b", "option excluded-namespaces: \"a/b\""},
      {"--tls-key-file=x", "tls-cert-file and tls-key-file belong together"},
  };
  for (const auto& [option, words] : wrong) {
    const Ending ending = EndingOf("network-mapper-aws-webhook", {option});
    EXPECT_EQ(ending.code, 2) << option;
    EXPECT_THAT(ending.text, HasSubstr(words));
  }
  const Ending ending =
      EndingOf("network-mapper-aws-webhook",
               {"--kube-api-url=http://127.0.0.1:1", "--public-roots-file=/nowhere.pem"});
  EXPECT_EQ(ending.code, 1);
  EXPECT_THAT(ending.text, HasSubstr("option public-roots-file: /nowhere.pem cannot be read"));
}

}  // namespace

}  // namespace network_mapper::aws
