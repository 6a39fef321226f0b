// Every pod in tests/testdata/aws-visibility/pods, before and after; UPDATE_GOLDEN=1 writes what
// comes out.
#include "aws-visibility/webhook/pod_patch.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/kube/base64.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_paths.h"

namespace network_mapper::aws {
namespace {

using Json = nlohmann::ordered_json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

PatchPlan PlanOf(const Json& test) {
  PatchPlan plan;
  const Json& settings = test.contains("plan") ? test["plan"] : Json::object();
  plan.nameservers = settings.value("nameservers", std::vector<std::string>{"10.96.0.53"});
  plan.cluster_domain = settings.value("clusterDomain", "cluster.local");
  plan.node_searches = settings.value("nodeSearches", std::vector<std::string>{});
  plan.trust = settings.value("trust", "default");
  plan.excluded_namespaces = {"otterize-system", "kube-system"};
  return plan;
}

Json ReviewOf(const Json& pod, const std::string& name_space) {
  return {{"apiVersion", "admission.k8s.io/v1"},
          {"kind", "AdmissionReview"},
          {"request",
           {{"uid", "705ab4f5-6393-11e8-b7cc-42010a800002"},
            {"resource", {{"group", ""}, {"version", "v1"}, {"resource", "pods"}}},
            {"namespace", name_space},
            {"operation", "CREATE"},
            {"object", pod}}}};
}

PatchDecision Decide(const Json& pod, const PatchPlan& plan,
                     const std::string& name_space = "shop") {
  auto decision = DecidePatch(ReviewOf(pod, name_space).dump(), plan);
  EXPECT_THAT(decision, IsOk());
  return *std::move(decision);
}

Json Patched(const Json& pod, const std::string& patch) {
  return patch.empty() ? pod : pod.patch(Json::parse(patch));
}

Json Labelled(Json spec) {
  return {{"metadata", {{"labels", {{kAskLabel, "true"}}}}}, {"spec", std::move(spec)}};
}

TEST(PodPatchGolden, EveryPodComesOutAsWritten) {
  const std::filesystem::path folder = TestDataPath("aws-visibility/pods");
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    SCOPED_TRACE(entry.path().filename());
    Json test = Json::parse(std::ifstream(entry.path()));
    const PatchPlan plan = PlanOf(test);
    const std::string name_space = test.value("namespace", "shop");
    const PatchDecision decision = Decide(test["pod"], plan, name_space);
    const Json patched = Patched(test["pod"], decision.patch);
    Json answer = {{"outcome", PatchOutcomeName(decision.outcome)}};
    if (!decision.warnings.empty()) {
      answer["warnings"] = decision.warnings;
    }
    if (!decision.patch.empty()) {
      answer["patch"] = Json::parse(decision.patch);
    }
    if (std::getenv("UPDATE_GOLDEN") != nullptr) {
      test["answer"] = answer;
      std::ofstream(entry.path()) << test.dump(2) << "\n";
    }
    EXPECT_EQ(test["answer"], answer);
    // A second look finds nothing to do.
    const PatchDecision again = Decide(patched, plan, name_space);
    EXPECT_EQ(again.patch, "");
    if (decision.outcome == PatchOutcome::kPatched) {
      EXPECT_EQ(again.outcome, PatchOutcome::kAlreadyPatched);
    } else {
      EXPECT_EQ(again.outcome, decision.outcome);
    }
    ++files;
  }
  EXPECT_GE(files, 20U);
}

TEST(PodPatch, ASidecarThatComesLaterIsPatchedBySecondInvocation) {
  const PatchPlan plan = PlanOf(Json::object());
  Json pod = Labelled({{"containers", {{{"name", "app"}}}}});
  pod = Patched(pod, Decide(pod, plan).patch);
  pod["spec"]["containers"].push_back(
      {{"name", "sidecar"}, {"env", {{{"name", "A"}, {"value", "b"}}}}});
  const PatchDecision decision = Decide(pod, plan);
  EXPECT_EQ(decision.outcome, PatchOutcome::kPatched);
  for (const Json& operation : Json::parse(decision.patch)) {
    EXPECT_THAT(operation["path"].get<std::string>(), HasSubstr("/spec/containers/1/"));
  }
}

TEST(PodPatch, ACopyOfAnOldPodIsGivenTheNameserverOfNow) {
  PatchPlan plan = PlanOf(Json::object());
  Json pod = Labelled({{"containers", {{{"name", "app"}}}}});
  pod = Patched(pod, Decide(pod, plan).patch);
  plan.nameservers = {"10.96.0.99"};
  const Json again = Patched(pod, Decide(pod, plan).patch);
  EXPECT_EQ(again["spec"]["dnsConfig"]["nameservers"], Json({"10.96.0.99"}));
  EXPECT_EQ(again["spec"]["dnsConfig"]["searches"], pod["spec"]["dnsConfig"]["searches"]);
}

TEST(PodPatch, LooksOnlyAtPodsThatAreBeingMade) {
  const PatchPlan plan = PlanOf(Json::object());
  const Json pod = Labelled({{"containers", {{{"name", "app"}}}}});
  const auto outcome_of = [&](const char* member, const Json& value) {
    Json review = ReviewOf(pod, "shop");
    review["request"][member] = value;
    const auto decision = DecidePatch(review.dump(), plan);
    EXPECT_THAT(decision, IsOk());
    EXPECT_THAT(decision->patch, IsEmpty());
    EXPECT_THAT(decision->warnings, IsEmpty());
    return decision->outcome;
  };
  EXPECT_EQ(outcome_of("operation", "UPDATE"), PatchOutcome::kNotAsked);
  EXPECT_EQ(outcome_of("operation", "DELETE"), PatchOutcome::kNotAsked);
  EXPECT_EQ(outcome_of("subResource", "ephemeralcontainers"), PatchOutcome::kNotAsked);
  EXPECT_EQ(outcome_of("resource", {{"group", "apps"}, {"resource", "deployments"}}),
            PatchOutcome::kNotAsked);
}

TEST(PodPatch, TellsADryRun) {
  Json review = ReviewOf(Labelled({{"containers", {{{"name", "app"}}}}}), "shop");
  review["request"]["dryRun"] = true;
  const auto decision = DecidePatch(review.dump(), PlanOf(Json::object()));
  ASSERT_THAT(decision, IsOk());
  EXPECT_TRUE(decision->dry_run);
  EXPECT_EQ(decision->outcome, PatchOutcome::kPatched);
}

TEST(PodPatch, NonsenseIsAllowedWithAWarning) {
  const PatchPlan plan = PlanOf(Json::object());
  for (const char* spec :
       {R"(3)", R"({"containers":3})", R"({"containers":[3]})", R"({"containers":[{"env":{}}]})",
        R"({"containers":[{"env":["A"]}]})", R"({"containers":[{"volumeMounts":7}]})",
        R"({"volumes":[[]]})", R"({"dnsConfig":{"searches":"a"}})",
        R"({"dnsConfig":{"options":["ndots"]}})", R"({"dnsConfig":{"nameservers":[1]}})"}) {
    const PatchDecision decision = Decide(Labelled(Json::parse(spec)), plan);
    EXPECT_EQ(decision.outcome, PatchOutcome::kMalformed) << spec;
    EXPECT_EQ(decision.patch, "");
    EXPECT_THAT(decision.warnings, ElementsAre(HasSubstr("this pod is not patched"))) << spec;
  }
}

TEST(PodPatch, OnlyAReviewIsAnswered) {
  for (const char* text :
       {"", "[]", "{}", "null", R"({"kind":"AdmissionReview"})",
        R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"})",
        R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{}})",
        R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1",
                               "request":{"uid":"a"}})"}) {
    EXPECT_THAT(DecidePatch(text, {}),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("AdmissionReview")))
        << text;
  }
}

TEST(PodPatch, DepthIsNoHarm) {
  // Three megabytes of it.
  const std::string deep =
      R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"a","object":)" +
      std::string(1'500'000, '[') + std::string(1'500'000, ']') + "}}";
  EXPECT_THAT(DecidePatch(deep, {}), IsOk());
}

TEST(PodPatchAnswer, CarriesUidPatchAndWarnings) {
  PatchDecision decision;
  decision.uid = "u";
  decision.patch = R"([{"op":"add"}])";
  decision.warnings.assign(100, "a\nb" + std::string(300, 'x'));
  const Json answer = Json::parse(RenderAnswer(decision));
  EXPECT_EQ(answer["apiVersion"], "admission.k8s.io/v1");
  EXPECT_EQ(answer["kind"], "AdmissionReview");
  EXPECT_EQ(answer["response"]["uid"], "u");
  EXPECT_EQ(answer["response"]["allowed"], true);
  EXPECT_EQ(answer["response"]["patchType"], "JSONPatch");
  EXPECT_EQ(kube::DecodeBase64(answer["response"]["patch"].get<std::string>()), decision.patch);
  EXPECT_THAT(answer["response"]["warnings"], SizeIs(12));
  EXPECT_THAT(answer["response"]["warnings"][0].get<std::string>(), SizeIs(255));
  EXPECT_THAT(answer["response"]["warnings"][0].get<std::string>(), testing::StartsWith("a?b"));
  decision.patch.clear();
  decision.warnings.clear();
  EXPECT_THAT(Json::parse(RenderAnswer(decision))["response"], SizeIs(2));
}

}  // namespace
}  // namespace network_mapper::aws
