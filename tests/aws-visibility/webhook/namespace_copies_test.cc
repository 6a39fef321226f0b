#include "aws-visibility/webhook/namespace_copies.h"

#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "aws-visibility/ca/authority.h"
#include "aws-visibility/ca/aws_names.h"
#include "aws-visibility/webhook/pod_webhook.h"
#include "aws-visibility/webhook/webhook_configuration.h"
#include "common/kube/base64.h"
#include "tests/support/fake_clock.h"
#include "tests/support/kube_stand_in/kube_stand_in.h"
#include "tests/support/status_matchers.h"

namespace network_mapper::aws {
namespace {

using Json = nlohmann::json;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;

constexpr const char* kName = "otterize-aws-visibility-ca";

std::string NewCertificate() {
  return MakeAuthority({.title = "AWS visibility", .domains = AwsDomains()}, Clock::System().Now())
      ->certificate;
}

class WebhookTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = stand_in::KubeStandIn::Start({});
    ASSERT_THAT(started, IsOk());
    cluster_ = *std::move(started);
    client_ = *kube::Client::Create(*kube::ServerUrlAccess(cluster_->Url()));
    Apply({{"apiVersion", "v1"},
           {"kind", "ConfigMap"},
           {"metadata", {{"name", kName}, {"namespace", "default"}}}});
  }

  void Apply(const Json& object) { ASSERT_THAT(cluster_->Objects().Apply(object.dump()), IsOk()); }

  void Publish(const std::string& certificates) {
    Apply({{"apiVersion", "v1"},
           {"kind", "ConfigMap"},
           {"metadata", {{"name", kName}, {"namespace", "default"}}},
           {"data", {{"ca.crt", certificates}}}});
  }

  void AddPod(const std::string& name_space) {
    Apply({{"apiVersion", "v1"},
           {"kind", "Pod"},
           {"metadata",
            {{"name", "a"}, {"namespace", name_space}, {"labels", {{kPatchedLabel, "v1"}}}}}});
  }

  void RemovePod(const std::string& name_space) {
    const auto type = cluster_->Objects().TypeByPath("", "v1", "pods");
    ASSERT_THAT(cluster_->Objects().Delete(*type, {name_space, "a"}), IsOk());
  }

  StatusOr<kube::DataObject> Copy(const std::string& name_space) {
    return kube::ReadData(
        *client_, {.kind = kube::DataKind::kConfigMap, .name_space = name_space, .name = kName});
  }

  std::unique_ptr<NamespaceCopies> Replica() {
    return std::make_unique<NamespaceCopies>(kName, roots_, client_, clock_);
  }

  void MakeServices(bool proxy_ready) {
    Apply({{"apiVersion", "v1"},
           {"kind", "Service"},
           {"metadata", {{"name", "dns"}, {"namespace", "default"}}},
           {"spec", {{"clusterIP", "10.96.0.53"}}}});
    for (const std::string name : {"dns", "proxy"}) {
      Apply({{"apiVersion", "discovery.k8s.io/v1"},
             {"kind", "EndpointSlice"},
             {"metadata",
              {{"name", name + "-x"},
               {"namespace", "default"},
               {"labels", {{"kubernetes.io/service-name", name}}}}},
             {"endpoints",
              {{{"addresses", {"10.0.0.1"}},
                {"conditions", {{"ready", name == "dns" || proxy_ready}}}}}}});
    }
  }

  static HttpRequest Review(bool dry_run = false, const std::string& name_space = "shop") {
    HttpRequest request;
    request.method = "POST";
    request.path = PodWebhook::kPath;
    request.body = Json{{"apiVersion", "admission.k8s.io/v1"},
                        {"kind", "AdmissionReview"},
                        {"request",
                         {{"uid", "u"},
                          {"resource", {{"group", ""}, {"resource", "pods"}}},
                          {"namespace", name_space},
                          {"operation", "CREATE"},
                          {"dryRun", dry_run},
                          {"object",
                           {{"metadata", {{"labels", {{kAskLabel, "true"}}}}},
                            {"spec", {{"containers", {{{"name", "app"}}}}}}}}}}}
                       .dump();
    return request;
  }

  std::unique_ptr<stand_in::KubeStandIn> cluster_;
  std::shared_ptr<kube::Client> client_;
  std::string roots_ = NewCertificate();
  FakeClock clock_;
};

TEST_F(WebhookTest, NothingIsCopiedBeforeTheProxyHasPublished) {
  const auto copies = Replica();
  EXPECT_THAT(copies->RefreshBundle(), StatusIs(StatusCode::kUnavailable, HasSubstr("is empty")));
  EXPECT_THAT(copies->Ensure("shop", seconds(5)),
              StatusIs(StatusCode::kUnavailable, HasSubstr("is empty")));
  // An authority that may speak for everything is never passed on.
  Publish("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  EXPECT_THAT(copies->RefreshBundle(), StatusIs(StatusCode::kInvalidArgument, HasSubstr(kName)));
}

TEST_F(WebhookTest, ReplicasThatRaceMakeOneCopy) {
  Publish(NewCertificate());
  std::vector<std::unique_ptr<NamespaceCopies>> replicas;
  for (int i = 0; i < 4; ++i) {
    replicas.push_back(Replica());
    ASSERT_THAT(replicas.back()->RefreshBundle(), IsOk());
  }
  {
    std::vector<std::jthread> threads;
    for (auto& replica : replicas) {
      threads.emplace_back(
          [&replica] { EXPECT_THAT(replica->Ensure("shop", seconds(10)), IsOk()); });
    }
  }
  const auto copy = Copy("shop");
  ASSERT_THAT(copy, IsOk());
  EXPECT_EQ(copy->values.size(), 3U);
}

TEST_F(WebhookTest, CopiesFollowTheAuthorityAndGoWithTheLastPod) {
  const std::string first = NewCertificate();
  Publish(first);
  const auto copies = Replica();
  ASSERT_THAT(copies->RefreshBundle(), IsOk());
  ASSERT_THAT(copies->Ensure("shop", seconds(5)), IsOk());
  AddPod("shop");
  AddPod("bank");
  const std::string second = NewCertificate();
  Publish(first + second);
  ASSERT_THAT(copies->RefreshBundle(), IsOk());
  ASSERT_THAT(copies->Tidy(), IsOk());
  EXPECT_EQ(Copy("shop")->values.at("ca.crt"), first + second);
  // One that somebody took away is made again.
  EXPECT_EQ(Copy("bank")->values.at("ca.crt"), first + second);
  RemovePod("shop");
  ASSERT_THAT(copies->Tidy(), IsOk());
  clock_.Advance(minutes(9));
  ASSERT_THAT(copies->Tidy(), IsOk());
  ASSERT_THAT(Copy("shop"), IsOk());
  // A pod that is being admitted takes the mark off.
  ASSERT_THAT(copies->Ensure("shop", seconds(5)), IsOk());
  clock_.Advance(minutes(2));
  ASSERT_THAT(copies->Tidy(), IsOk());
  ASSERT_THAT(Copy("shop"), IsOk());
  clock_.Advance(minutes(11));
  ASSERT_THAT(copies->Tidy(), IsOk());
  EXPECT_THAT(Copy("shop"), StatusIs(StatusCode::kNotFound, HasSubstr("")));
  EXPECT_THAT(Copy("bank"), IsOk());
  // What the proxy publishes is no copy.
  EXPECT_THAT(Copy("default"), IsOk());
}

TEST_F(WebhookTest, LeavesAConfigMapOfSomebodyElseAlone) {
  Publish(NewCertificate());
  Apply({{"apiVersion", "v1"},
         {"kind", "ConfigMap"},
         {"metadata", {{"name", kName}, {"namespace", "shop"}}},
         {"data", {{"a", "b"}}}});
  const auto copies = Replica();
  ASSERT_THAT(copies->RefreshBundle(), IsOk());
  EXPECT_THAT(copies->Ensure("shop", seconds(5)),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("not ours")));
  ASSERT_THAT(copies->Tidy(), IsOk());
  EXPECT_EQ(Copy("shop")->values, (kube::DataValues{{"a", "b"}}));
}

TEST_F(WebhookTest, PatchesOnlyWhileAllIsReadyAndADryRunChangesNothing) {
  MetricsRegistry metrics;
  ServiceGate gate("dns", "proxy", client_, clock_);
  const auto copies = Replica();
  PodWebhook webhook({}, gate, *copies, metrics);
  const auto response = [&](bool dry_run) {
    const HttpResponse answer = webhook.Handle(Review(dry_run));
    EXPECT_EQ(answer.status, 200);
    Json parsed = Json::parse(answer.body)["response"];
    EXPECT_EQ(parsed["allowed"], true);
    return parsed;
  };
  EXPECT_THAT(response(false)["warnings"][0], HasSubstr("not read yet"));
  MakeServices(false);
  EXPECT_THAT(gate.Refresh(),
              StatusIs(StatusCode::kUnavailable, HasSubstr("proxy has no ready endpoint")));
  MakeServices(true);
  ASSERT_THAT(gate.Refresh(), IsOk());
  EXPECT_THAT(response(false)["warnings"][0], HasSubstr("certificates were not read yet"));
  Publish(NewCertificate());
  ASSERT_THAT(copies->RefreshBundle(), IsOk());
  EXPECT_TRUE(response(true).contains("patch"));
  EXPECT_THAT(Copy("shop"), StatusIs(StatusCode::kNotFound, HasSubstr("")));
  const Json patched = response(false);
  EXPECT_THAT(*kube::DecodeBase64(patched["patch"].get<std::string>()), HasSubstr("10.96.0.53"));
  EXPECT_THAT(Copy("shop"), IsOk());
  clock_.Advance(seconds(16));
  EXPECT_FALSE(response(false).contains("patch"));
}

// As somebody who is not the API server can ask.
TEST_F(WebhookTest, MakesNoMoreThanSixtyNewCopiesAMinuteForQuestions) {
  MetricsRegistry metrics;
  ServiceGate gate("dns", "proxy", client_, clock_);
  const auto copies = Replica();
  PodWebhook webhook({}, gate, *copies, metrics);
  MakeServices(true);
  Publish(NewCertificate());
  ASSERT_THAT(copies->RefreshBundle(), IsOk());
  const auto ask = [&](int first, int count) {
    EXPECT_THAT(gate.Refresh(), IsOk());
    int patched = 0;
    for (int i = first; i < first + count; ++i) {
      const HttpResponse answer = webhook.Handle(Review(false, "n" + std::to_string(i)));
      const Json response = Json::parse(answer.body)["response"];
      EXPECT_EQ(response["allowed"], true);
      patched += response.contains("patch") ? 1 : 0;
      EXPECT_TRUE(response.contains("patch") ||
                  response["warnings"][0].get<std::string>().find("make the pod anew later") !=
                      std::string::npos);
    }
    return patched;
  };
  EXPECT_EQ(ask(0, 80), 60);
  EXPECT_THAT(Copy("n79"), StatusIs(StatusCode::kNotFound, HasSubstr("")));
  EXPECT_EQ(metrics
                .AddCounter("network_mapper_aws_webhook_reviews_total", "",
                            {{"outcome", "many_new_namespaces"}})
                .Value(),
            20);
  // What is there needs none, and where patched pods are it is made whatever was asked.
  EXPECT_EQ(ask(0, 60), 60);
  AddPod("bank");
  ASSERT_THAT(copies->Tidy(), IsOk());
  EXPECT_THAT(Copy("bank"), IsOk());
  clock_.Advance(seconds(10));
  EXPECT_EQ(ask(100, 20), 10);
}

TEST_F(WebhookTest, KeepsTheCaBundleRight) {
  EXPECT_THAT(PublishToWebhookConfiguration(*client_, "w", "PEM"),
              StatusIs(StatusCode::kNotFound, HasSubstr("w")));
  const Json fresh = {
      {"apiVersion", "admissionregistration.k8s.io/v1"},
      {"kind", "MutatingWebhookConfiguration"},
      {"metadata", {{"name", "w"}}},
      {"webhooks", {{{"name", "a"}, {"clientConfig", {{"service", {{"name", "s"}}}}}}}}};
  Apply(fresh);
  const auto bundle = [&] {
    const auto answer =
        client_->Get("/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/w");
    return Json::parse(answer->body)["webhooks"][0]["clientConfig"].value("caBundle", "");
  };
  ASSERT_THAT(PublishToWebhookConfiguration(*client_, "w", "PEM"), IsOk());
  EXPECT_EQ(bundle(), kube::EncodeBase64("PEM"));
  Apply(fresh);
  ASSERT_THAT(PublishToWebhookConfiguration(*client_, "w", "PEM"), IsOk());
  EXPECT_EQ(bundle(), kube::EncodeBase64("PEM"));
}

}  // namespace
}  // namespace network_mapper::aws
