#include "mapper/inventory/inventory_feed.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mapper/inventory/inventory_store.h"
#include "tests/common/kube/scripted_server.h"
#include "tests/mapper/inventory/inventory_builders.h"
#include "tests/support/kube_stand_in/kube_stand_in.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_paths.h"

namespace network_mapper {
namespace {

using stand_in::Fault;
using stand_in::FaultKind;
using stand_in::KubeStandIn;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kPodUid = "3f2b8a0e-8d0f-4a4e-bb6d-0c7f0f3d5a61";

std::string PodOwnedBy(std::string_view owner) {
  return fmt::format(
      R"({{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"web-1","namespace":"shop",
          "uid":"{}","creationTimestamp":"2026-01-01T10:00:00Z","ownerReferences":[{}]}},
          "spec":{{"nodeName":"node-1"}},"status":{{"phase":"Running","podIP":"10.244.0.5",
          "startTime":"2026-01-01T10:00:00Z"}}}})",
      kPodUid, owner);
}

class InventoryFeedTest : public testing::Test {
 protected:
  void SetUp() override {
    StatusOr<std::unique_ptr<KubeStandIn>> server = KubeStandIn::Start({});
    ASSERT_THAT(server, IsOk());
    server_ = *std::move(server);
  }

  void Apply(std::string_view json) { ASSERT_THAT(server_->Objects().Apply(json), IsOk()); }

  void ApplySample(const char* name, std::string_view api_version, std::string_view kind) {
    std::string json = ReadFileOrDie(TestDataPath(fmt::format("kube/{}", name)));
    if (json.find("\"apiVersion\"") > 10) {
      json.insert(1, fmt::format(R"("apiVersion":"{}","kind":"{}",)", api_version, kind));
    }
    Apply(json);
  }

  void StartFeed() {
    StatusOr<kube::ClusterAccess> access = kube::ServerUrlAccess(server_->Url());
    ASSERT_THAT(access, IsOk());
    StatusOr<std::unique_ptr<kube::Client>> client = kube::Client::Create(*access);
    ASSERT_THAT(client, IsOk());
    client_ = *std::move(client);
    feed_.emplace(InventoryFeedParts{.client = *client_,
                                     .inventory = inventory_,
                                     .metrics = metrics_,
                                     .clock = Clock::System()},
                  DecoderOptions{});
  }

  // What the watches bring comes from another thread: looked for until it is there.
  static bool Eventually(const std::function<bool()>& condition) {
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < deadline) {
      if (condition()) {
        return true;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }

  bool EventuallySynced() {
    return Eventually([this] { return feed_->Synced().ok(); });
  }

  std::string Workload() const {
    return inventory_.Read([](const InventoryView& view) -> std::string {
      PodFactsPtr pod = view.PodByUid(*PodUid::Parse(kPodUid));
      if (pod == nullptr) {
        return "";
      }
      const WorkloadIdentity& identity = *pod->workload.identity;
      return (pod->owner_pending ? "pending " : "") + identity.owner_kind->kind + " " +
             identity.name;
    });
  }

  std::unique_ptr<KubeStandIn> server_;
  std::unique_ptr<kube::Client> client_;
  MetricsRegistry metrics_;
  Inventory inventory_;
  std::optional<InventoryFeed> feed_;
};

TEST_F(InventoryFeedTest, TakesInEveryKindOfObject) {
  ApplySample("pod_running.json", "v1", "Pod");
  ApplySample("service_headless.json", "v1", "Service");
  ApplySample("endpoint_slice.json", "discovery.k8s.io/v1", "EndpointSlice");
  ApplySample("node.json", "v1", "Node");
  StartFeed();
  ASSERT_TRUE(EventuallySynced()) << feed_->Synced();
  InventorySizes sizes = inventory_.Sizes();
  EXPECT_EQ(sizes.pods, 1);
  EXPECT_EQ(sizes.services, 1);
  EXPECT_EQ(sizes.endpoint_slices, 1);
  EXPECT_EQ(sizes.nodes, 1);
}

TEST_F(InventoryFeedTest, FollowsWhatComesAndGoesAfterTheList) {
  StartFeed();
  ASSERT_TRUE(EventuallySynced());
  uint64_t before = feed_->Version();
  Apply(PodOwnedBy(""));
  ASSERT_TRUE(Eventually([this] { return inventory_.Sizes().pods == 1; }));
  EXPECT_GT(feed_->Version(), before);
  EXPECT_EQ(Workload(), "Pod web-1");
  stand_in::ResourceType pods = *server_->Objects().TypeByPath("", "v1", "pods");
  ASSERT_THAT(server_->Objects().Delete(pods, {"shop", "web-1"}), IsOk());
  ASSERT_TRUE(Eventually([this] { return inventory_.Sizes().pods == 0; }));
  // Gone, but remembered.
  EXPECT_EQ(Workload(), "Pod web-1");
}

// docs/regressions.md P17
TEST_F(InventoryFeedTest, WalksThroughOwnersOfKindsThatNobodyWatches) {
  StatusOr<stand_in::StoredObjectPtr> rollout = server_->Objects().Apply(
      R"({"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","metadata":{"name":"web",
          "namespace":"shop","uid":"7f3c1b6e-4f43-4e43-9d0c-1c3a6f4b2d71"}})");
  ASSERT_THAT(rollout, IsOk());
  Apply(
      R"({"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"name":"web-5d4f","namespace":"shop",
          "uid":"7f3c1b6e-4f43-4e43-9d0c-1c3a6f4b2d72","ownerReferences":[{"apiVersion":
          "argoproj.io/v1alpha1","kind":"Rollout","name":"web","controller":true,
          "uid":"7f3c1b6e-4f43-4e43-9d0c-1c3a6f4b2d71"}]}})");
  Apply(PodOwnedBy(
      R"({"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web-5d4f","controller":true,
          "uid":"7f3c1b6e-4f43-4e43-9d0c-1c3a6f4b2d72"})"));
  StartFeed();
  EXPECT_TRUE(Eventually([this] { return Workload() == "Rollout web"; })) << Workload();
  EXPECT_EQ(inventory_.Sizes().wanted_owners, 0);
}

TEST_F(InventoryFeedTest, NamesThePodAfterAnOwnerThatIsNotThere) {
  Apply(PodOwnedBy(R"({"apiVersion":"spark.example/v1","kind":"SparkApplication","name":"count",
                       "controller":true,"uid":"7f3c1b6e-4f43-4e43-9d0c-1c3a6f4b2d73"})"));
  StartFeed();
  EXPECT_TRUE(Eventually([this] { return Workload() == "SparkApplication count"; })) << Workload();
}

// docs/regressions.md P13
TEST_F(InventoryFeedTest, NamesAForbiddenResourceAndListsTheOthers) {
  Apply(PodOwnedBy(""));
  server_->Faults().Add(
      Fault{.kind = FaultKind::kForbidden, .path = "/cronjobs", .verb = "list", .count = 1000});
  StartFeed();
  ASSERT_TRUE(EventuallySynced()) << feed_->Synced();
  EXPECT_THAT(
      feed_->Watches(),
      StatusIs(StatusCode::kUnavailable,
               AllOf(StartsWith("cronjobs: failing for "),
                     HasSubstr("list cronjobs: GET /apis/batch/v1/cronjobs: HTTP 403"),
                     HasSubstr("cannot list resource \"cronjobs\""), Not(HasSubstr("pods")))));
  EXPECT_EQ(inventory_.Sizes().pods, 1);
  // The watch that follows the list takes a moment to open.
  EXPECT_TRUE(Eventually([this] {
    return metrics_.RenderText().find("network_mapper_kube_watch_up{resource=\"pods\"} 1") !=
           std::string::npos;
  }));
  EXPECT_THAT(metrics_.RenderText(),
              HasSubstr("network_mapper_kube_watch_up{resource=\"cronjobs\"} 0"));
}

// docs/regressions.md P13
TEST_F(InventoryFeedTest, NamesAResourceThatMayBeListedButNotWatched) {
  server_->Faults().Add(
      Fault{.kind = FaultKind::kForbidden, .path = "/pods", .verb = "watch", .count = 1000});
  StartFeed();
  ASSERT_TRUE(EventuallySynced()) << feed_->Synced();
  EXPECT_TRUE(Eventually([this] {
    return StatusMessage(feed_->Watches()).find("cannot watch resource \"pods\"") !=
           std::string::npos;
  })) << feed_->Watches();
  // What changes is seen all the same, by the next list.
  Apply(PodOwnedBy(""));
  EXPECT_TRUE(Eventually([this] { return inventory_.Sizes().pods == 1; }));
}

TEST_F(InventoryFeedTest, WaitsForTheEssentialResources) {
  server_->Faults().Add(Fault{.kind = FaultKind::kInternalError,
                              .path = "/api/v1/services",
                              .verb = "list",
                              .count = 1000});
  StartFeed();
  ASSERT_TRUE(Eventually([this] {
    const std::string missing = StatusMessage(feed_->Synced());
    return missing.find("services: list services: GET /api/v1/services: HTTP 500") == 0 &&
           missing.find(';') == std::string::npos;
  })) << feed_->Synced();
  server_->Faults().Clear();
  EXPECT_TRUE(EventuallySynced()) << feed_->Synced();
}

TEST_F(InventoryFeedTest, StaysSyncedWithoutTheServerAndSaysSinceWhen) {
  Apply(PodOwnedBy(""));
  StartFeed();
  ASSERT_TRUE(EventuallySynced());
  server_.reset();
  ASSERT_TRUE(Eventually([this] {
    return StatusMessage(feed_->Watches()).find("pods: failing for ") != std::string::npos;
  }));
  EXPECT_THAT(feed_->Synced(), IsOk());
  EXPECT_EQ(Workload(), "Pod web-1");
}

// The limit is far below the time that a look-up may take.
TEST_F(InventoryFeedTest, StopsAtOnceWhileTheServerOwesAnAnswerAboutAnOwner) {
  ASSERT_THAT(server_->Objects().Apply(
                  R"({"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","metadata":{"name":"web",
              "namespace":"shop","uid":"7f3c1b6e-4f43-4e43-9d0c-1c3a6f4b2d71"}})"),
              IsOk());
  Apply(PodOwnedBy(R"({"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","name":"web",
                       "controller":true,"uid":"7f3c1b6e-4f43-4e43-9d0c-1c3a6f4b2d71"})"));
  server_->Faults().Add(Fault{.kind = FaultKind::kSilent, .path = "/rollouts/", .verb = "get"});
  StartFeed();
  ASSERT_TRUE(Eventually([this] { return server_->Faults().Pending() == 0; }));
  const auto begun = std::chrono::steady_clock::now();
  feed_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(15));
}

TEST_F(InventoryFeedTest, NoticesWhatVanishedWhileTheHistoryWasCompacted) {
  Apply(PodOwnedBy(""));
  StartFeed();
  ASSERT_TRUE(EventuallySynced());
  ASSERT_EQ(inventory_.Sizes().pods, 1);
  server_->Faults().Add(Fault{.kind = FaultKind::kGone, .path = "/api/v1/pods", .verb = "watch"});
  server_->EndWatches();
  stand_in::ResourceType pods = *server_->Objects().TypeByPath("", "v1", "pods");
  ASSERT_THAT(server_->Objects().Delete(pods, {"shop", "web-1"}), IsOk());
  server_->Objects().Compact();
  EXPECT_TRUE(Eventually([this] { return inventory_.Sizes().pods == 0; }));
}

TEST_F(InventoryFeedTest, CountsObjectsThatCannotBeRead) {
  Apply(
      R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"odd","namespace":"shop","uid":"odd"}})");
  Apply(PodOwnedBy(""));
  StartFeed();
  ASSERT_TRUE(EventuallySynced());
  EXPECT_EQ(inventory_.Sizes().pods, 1);
  EXPECT_THAT(metrics_.RenderText(),
              HasSubstr("network_mapper_inventory_malformed_objects_total{resource=\"pods\"} 1"));
}

TEST_F(InventoryFeedTest, CountsWorkloadNamesThatForgeLines) {
  Apply(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"odd","namespace":"shop",
      "uid":"7f3c1b6e-4f43-4e43-9d0c-1c3a6f4b2d12",
      "annotations":{"intents.otterize.com/workload-name":"a\nb in namespace shop calls:"}}})");
  StartFeed();
  ASSERT_TRUE(EventuallySynced());
  EXPECT_EQ(inventory_.Sizes().pods, 1);
  EXPECT_THAT(metrics_.RenderText(),
              HasSubstr("network_mapper_inventory_malformed_objects_total{resource=\"pods\"} 1"));
}

// docs/regressions.md 1.1 RBAC, P13
TEST(InventoryRights, AsksForNothingButTheResourcesThatTheReadmeNames) {
  ScriptedServer server([](const ScriptedCall& call, ScriptedWire& wire) {
    if (call.Parameter("watch") == "1") {
      wire.BeginChunks();
      wire.HoldUntilHangUp();
    } else {
      wire.Json(200, R"({"kind":"List","metadata":{"resourceVersion":"1"},"items":[]})");
    }
  });
  auto client = kube::Client::Create(*kube::ServerUrlAccess(server.Url()));
  ASSERT_THAT(client, IsOk());
  Inventory inventory;
  MetricsRegistry metrics;
  const InventoryFeed feed(
      {.client = **client, .inventory = inventory, .metrics = metrics, .clock = Clock::System()},
      DecoderOptions{});
  // One list and one watch for each.
  ASSERT_TRUE(Eventually([&] { return server.Calls().size() >= 20; }));
  std::set<std::string> asked;
  for (const ScriptedCall& call : server.Calls()) {
    asked.insert(call.method + " " + call.target.substr(0, call.target.find('?')));
  }
  EXPECT_THAT(asked, ElementsAre("GET /api/v1/nodes", "GET /api/v1/pods", "GET /api/v1/services",
                                 "GET /apis/apps/v1/daemonsets", "GET /apis/apps/v1/deployments",
                                 "GET /apis/apps/v1/replicasets", "GET /apis/apps/v1/statefulsets",
                                 "GET /apis/batch/v1/cronjobs", "GET /apis/batch/v1/jobs",
                                 "GET /apis/discovery.k8s.io/v1/endpointslices"));
}

}  // namespace
}  // namespace network_mapper
