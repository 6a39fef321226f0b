#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mapper/inventory/inventory_store.h"
#include "mapper/inventory/workload_naming.h"
#include "tests/mapper/inventory/inventory_builders.h"

namespace network_mapper {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

OwnerRecord OwnedBy(unsigned uid, std::optional<OwnerReference> owner) {
  return {Uid(uid), std::move(owner)};
}

PodRecord PodOf(unsigned uid, OwnerReference owner) {
  PodRecord pod = PodWithIp(uid, "web-5d4f8c7b9-x2x4z", "10.0.0.1", 100);
  pod.owner = std::move(owner);
  pod.labels = {{"app", "web"}, {"pod-template-hash", "5d4f8c7b9"}};
  return pod;
}

PodRecord PodOfReplicaSet(unsigned uid) {
  return PodOf(uid, Owner(10, "apps", "ReplicaSet", "web-5d4f8c7b9"));
}

TEST(WorkloadIdentity, OfADeploymentIsFoundThroughItsReplicaSet) {
  Inventory inventory;
  inventory.Upsert(OwnedBy(10, Owner(11, "apps", "Deployment", "web")), ObjectKind::kReplicaSet,
                   At(1));
  inventory.Upsert(OwnedBy(11, std::nullopt), ObjectKind::kDeployment, At(1));
  inventory.Upsert(PodOfReplicaSet(1), At(101));
  EXPECT_EQ(WorkloadOf(inventory, 1), "Deployment web");
  inventory.Read([](const InventoryView& view) {
    const Workload& workload = view.PodByUid(Uid(1))->workload;
    EXPECT_EQ(workload.identity->owner_kind, (GroupVersionKind{"apps", "v1", "Deployment"}));
    EXPECT_EQ(workload.identity->name_space, "shop");
    EXPECT_FALSE(workload.identity->named_by_override);
    EXPECT_EQ(workload.labels->size(), 2);
  });
}

TEST(PodFacts, HaveTheNodeOnceThePodIsBound) {
  Inventory inventory;
  PodRecord pod = Pod(1, "web");
  pod.node_name.clear();
  inventory.Upsert(pod, At(1));
  inventory.Read(
      [](const InventoryView& view) { EXPECT_EQ(view.PodByUid(Uid(1))->node, nullptr); });
  pod.node_name = "node-2";
  inventory.Upsert(pod, At(2));
  inventory.Read([](const InventoryView& view) {
    ASSERT_NE(view.PodByUid(Uid(1))->node, nullptr);
    EXPECT_EQ(*view.PodByUid(Uid(1))->node, "node-2");
  });
}

TEST(WorkloadIdentity, WaitsForAnOwnerThatArrivesAfterThePod) {
  Inventory inventory;
  inventory.Upsert(PodOfReplicaSet(1), At(101));
  EXPECT_EQ(HolderAt(inventory, "10.0.0.1", 102), "(owner pending)");
  inventory.Upsert(OwnedBy(10, Owner(11, "apps", "Deployment", "web")), ObjectKind::kReplicaSet,
                   At(102));
  EXPECT_EQ(HolderAt(inventory, "10.0.0.1", 102), "(owner pending)");
  inventory.Upsert(OwnedBy(11, std::nullopt), ObjectKind::kDeployment, At(103));
  EXPECT_EQ(HolderAt(inventory, "10.0.0.1", 102), "web-5d4f8c7b9-x2x4z");
  EXPECT_EQ(WorkloadOf(inventory, 1), "Deployment web");
  EXPECT_EQ(inventory.Sizes().wanted_owners, 0);
}

TEST(WorkloadIdentity, IsGuessedFromTheTemplateHashWhenTheWaitIsOver) {
  Inventory inventory;
  inventory.Upsert(PodOfReplicaSet(1), At(101));
  inventory.Tick(At(110));
  EXPECT_EQ(WorkloadOf(inventory, 1), "pending Deployment web");
  inventory.Tick(At(111));
  EXPECT_EQ(WorkloadOf(inventory, 1), "Deployment web");
  inventory.Upsert(PodOfReplicaSet(1), At(112));
  EXPECT_EQ(WorkloadOf(inventory, 1), "Deployment web");
  // The truth still replaces the guess.
  inventory.Upsert(OwnedBy(10, Owner(11, "argoproj.io", "Rollout", "web")), ObjectKind::kReplicaSet,
                   At(113));
  inventory.UpsertFetchedOwner(OwnedBy(11, std::nullopt), At(114));
  EXPECT_EQ(WorkloadOf(inventory, 1), "Rollout web");
}

TEST(WorkloadIdentity, StopsAtAnOwnerThatCannotBeRead) {
  Inventory inventory;
  inventory.Upsert(PodOf(1, Owner(10, "spark.io", "SparkApplication", "wordcount")), At(101));
  EXPECT_EQ(WorkloadOf(inventory, 1), "pending SparkApplication wordcount");
  inventory.MarkOwnerUnreadable(Uid(10), At(102));
  EXPECT_EQ(WorkloadOf(inventory, 1), "SparkApplication wordcount");
}

TEST(WorkloadIdentity, KeepsTheKnownNameWhenTheOwnerIsForgotten) {
  Inventory inventory;
  inventory.Upsert(PodOf(1, Owner(10, "example.com", "Widget", "w")), At(101));
  inventory.UpsertFetchedOwner(OwnedBy(10, Owner(11, "example.com", "Factory", "f")), At(102));
  inventory.UpsertFetchedOwner(OwnedBy(11, std::nullopt), At(102));
  EXPECT_EQ(WorkloadOf(inventory, 1), "Factory f");
  inventory.Tick(At(102 + 601));
  inventory.Upsert(PodOf(1, Owner(10, "example.com", "Widget", "w")), At(710));
  EXPECT_EQ(WorkloadOf(inventory, 1), "Factory f");
  EXPECT_EQ(inventory.TakeWantedOwners(At(711), 10).size(), 1);
}

TEST(WorkloadIdentity, FollowsAnOwnerThatIsAdopted) {
  Inventory inventory;
  inventory.Upsert(OwnedBy(10, std::nullopt), ObjectKind::kReplicaSet, At(1));
  inventory.Upsert(PodOfReplicaSet(1), At(101));
  EXPECT_EQ(WorkloadOf(inventory, 1), "ReplicaSet web-5d4f8c7b9");
  inventory.Upsert(OwnedBy(11, std::nullopt), ObjectKind::kDeployment, At(102));
  inventory.Upsert(OwnedBy(10, Owner(11, "apps", "Deployment", "web")), ObjectKind::kReplicaSet,
                   At(103));
  EXPECT_EQ(WorkloadOf(inventory, 1), "Deployment web");
}

TEST(WorkloadIdentity, SurvivesACycleOfOwners) {
  Inventory inventory;
  inventory.Upsert(OwnedBy(10, Owner(11, "x", "A", "a")), ObjectKind::kReplicaSet, At(1));
  inventory.Upsert(OwnedBy(11, Owner(10, "x", "B", "b")), ObjectKind::kReplicaSet, At(1));
  inventory.Upsert(PodOf(1, Owner(10, "x", "B", "b")), At(101));
  EXPECT_THAT(WorkloadOf(inventory, 1), testing::AnyOf("A a", "B b"));
}

// docs/regressions.md P17
TEST(WorkloadIdentity, OverrideWinsEvenWhenEmpty) {
  Inventory inventory;
  PodRecord pod = PodOfReplicaSet(1);
  pod.workload_override = "checkout.v2";
  inventory.Upsert(pod, At(101));
  EXPECT_EQ(WorkloadOf(inventory, 1), "- checkout.v2");
  pod.workload_override = "";
  inventory.Upsert(pod, At(102));
  EXPECT_EQ(WorkloadOf(inventory, 1), "- ");
  inventory.Read([](const InventoryView& view) {
    EXPECT_TRUE(view.PodByUid(Uid(1))->workload.identity->named_by_override);
  });
}

TEST(WorkloadIdentity, OverrideAddedLaterIsSeenAtOnce) {
  Inventory inventory;
  inventory.Upsert(PodOfReplicaSet(1), At(101));
  PodRecord pod = PodOfReplicaSet(1);
  pod.workload_override = "named";
  inventory.Upsert(pod, At(102));
  EXPECT_EQ(WorkloadOf(inventory, 1), "- named");
  inventory.Tick(At(200));
  EXPECT_EQ(WorkloadOf(inventory, 1), "- named");
}

TEST(WorkloadIdentity, OfAStaticPodIsItsNameWithoutTheNode) {
  Inventory inventory;
  PodRecord pod = Pod(1, "etcd-node-1");
  pod.owner = Owner(77, "", "Node", "node-1");
  pod.config_hash = PodUid::Parse("0123456789abcdef0123456789abcdef");
  inventory.Upsert(pod, At(101));
  EXPECT_EQ(WorkloadOf(inventory, 1), "Pod etcd");
  inventory.Read([&](const InventoryView& view) {
    ASSERT_NE(view.PodByUid(*pod.config_hash), nullptr);
    EXPECT_EQ(view.PodByUid(*pod.config_hash)->name, "etcd-node-1");
  });
}

// docs/regressions.md P17: dots in names, Jobs with random names, CronJobs, custom owners.
TEST(FieldP17, DotsInNamesBecomeUnderscores) {
  Inventory inventory;
  PodRecord pod = Pod(1, "my.pod.v1");
  inventory.Upsert(pod, At(101));
  EXPECT_EQ(WorkloadOf(inventory, 1), "Pod my_pod_v1");
}

TEST(FieldP17, PodsOfACronJobAreTheCronJob) {
  Inventory inventory;
  PodRecord pod = Pod(1, "backup-28401234-abcde");
  pod.owner = Owner(10, "batch", "Job", "backup-28401234");
  inventory.Upsert(OwnedBy(10, Owner(11, "batch", "CronJob", "backup")), ObjectKind::kJob, At(1));
  inventory.Upsert(OwnedBy(11, std::nullopt), ObjectKind::kCronJob, At(1));
  inventory.Upsert(pod, At(101));
  EXPECT_EQ(WorkloadOf(inventory, 1), "CronJob backup");
}

TEST(FieldP17, TenThousandJobPodsOfOneCronJobShareOneIdentity) {
  Inventory inventory;
  inventory.Upsert(OwnedBy(11, std::nullopt), ObjectKind::kCronJob, At(1));
  for (unsigned i = 0; i < 2; ++i) {
    inventory.Upsert(OwnedBy(20 + i, Owner(11, "batch", "CronJob", "backup")), ObjectKind::kJob,
                     At(1));
    PodRecord pod = Pod(1 + i, "backup-x");
    pod.owner = Owner(20 + i, "batch", "Job", "backup-" + std::to_string(i));
    inventory.Upsert(pod, At(101));
  }
  inventory.Read([](const InventoryView& view) {
    EXPECT_EQ(view.PodByUid(Uid(1))->workload.identity, view.PodByUid(Uid(2))->workload.identity);
  });
}

TEST(FieldP17, JobCanBeNamedAfterItsImages) {
  InventoryOptions options;
  options.use_image_name_for_jobs = true;
  Inventory inventory(options);
  PodRecord pod = Pod(1, "migrate-xyz");
  pod.owner = Owner(10, "batch", "Job", "migrate-4711");
  pod.images = {{"main", "registry.example/team/app:1"}, {"istio-proxy", "istio/proxyv2:1.2"}};
  inventory.Upsert(OwnedBy(10, std::nullopt), ObjectKind::kJob, At(1));
  inventory.Upsert(pod, At(101));
  EXPECT_EQ(WorkloadOf(inventory, 1), "- team/app");
}

TEST(WantedOwners, AreHandedOutAgainEverMoreRarelyWhileAPodWaits) {
  Inventory inventory;
  inventory.Upsert(PodOf(1, Owner(10, "spark.io", "SparkApplication", "wordcount")), At(100));
  auto requests = inventory.TakeWantedOwners(At(100), 10);
  ASSERT_EQ(requests.size(), 1);
  EXPECT_EQ(requests[0].reference.name, "wordcount");
  EXPECT_EQ(requests[0].name_space, "shop");
  EXPECT_THAT(inventory.TakeWantedOwners(At(104), 10), IsEmpty());
  EXPECT_EQ(inventory.TakeWantedOwners(At(105), 10).size(), 1);
  EXPECT_THAT(inventory.TakeWantedOwners(At(114), 10), IsEmpty());
  inventory.MarkOwnerUnreadable(Uid(10), At(115));
  EXPECT_THAT(inventory.TakeWantedOwners(At(9000), 10), IsEmpty());
}

TEST(WantedOwners, OfWatchedKindsGetTimeToArriveByThemselves) {
  Inventory inventory;
  inventory.Upsert(PodOfReplicaSet(1), At(100));
  EXPECT_THAT(inventory.TakeWantedOwners(At(102), 10), IsEmpty());
  EXPECT_EQ(inventory.TakeWantedOwners(At(103), 10).size(), 1);
}

// docs/regressions.md P10
TEST(WantedOwners, AreBounded) {
  InventoryOptions options;
  options.max_wanted_owners = 3;
  Inventory inventory(options);
  for (unsigned i = 1; i <= 10; ++i) {
    inventory.Upsert(PodOf(i, Owner(100 + i, "x.io", "X", "x")), At(100));
  }
  EXPECT_EQ(inventory.Sizes().wanted_owners, 3);
  inventory.Tick(At(111));
  EXPECT_EQ(WorkloadOf(inventory, 10), "X x");
}

TEST(LikelyOwner, IsACronJobOnlyWhenTheNameHoldsTheMinuteOfItsJob) {
  OwnerReference job = Owner(1, "batch", "Job", "backup-29453760");
  Time minute{std::chrono::minutes(29453760)};
  auto owner = LikelyOwner(job, {}, minute + std::chrono::seconds(2));
  ASSERT_TRUE(owner.has_value());
  EXPECT_EQ(owner->name, "backup");
  EXPECT_EQ(owner->kind.kind, "CronJob");
  EXPECT_FALSE(LikelyOwner(job, {}, minute + std::chrono::hours(48)).has_value());
  job.name = "backup-4711";
  EXPECT_FALSE(LikelyOwner(job, {}, minute).has_value());
  job.name = "29453760";
  EXPECT_FALSE(LikelyOwner(job, {}, minute).has_value());
}

TEST(LikelyOwner, IsARolloutOrDeploymentOnlyWithTheHashLabel) {
  OwnerReference set = Owner(1, "apps", "ReplicaSet", "web-abc");
  EXPECT_FALSE(LikelyOwner(set, {}, At(0)).has_value());
  EXPECT_FALSE(LikelyOwner(set, {{"pod-template-hash", "xyz"}}, At(0)).has_value());
  EXPECT_EQ(LikelyOwner(set, {{"pod-template-hash", "abc"}}, At(0))->kind.kind, "Deployment");
  EXPECT_EQ(LikelyOwner(set, {{"rollouts-pod-template-hash", "abc"}}, At(0))->kind.kind, "Rollout");
}

TEST(NameOfImages, LeavesOutSidecarsRegistriesAndTags) {
  EXPECT_EQ(NameOfImages({{"a", "reg.io/team/app:1"}, {"b", "reg.io/x@sha256:00"}}), "team/app-x");
  EXPECT_EQ(NameOfImages({{"my-sidecar-1", "reg.io/x:1"}, {"b", "busybox:1.36"}}), "busybox:1.36");
  EXPECT_EQ(NameOfImages({}), "");
}

TEST(StaticPodName, IsTheWholeNameWithoutTheNodesSuffix) {
  EXPECT_EQ(StaticPodName("kube-proxy-node-1", "node-1"), "kube-proxy");
  EXPECT_EQ(StaticPodName("kube-proxy-node-1", "node-2"), "kube-proxy-node-1");
  EXPECT_EQ(StaticPodName("node-1", "node-1"), "node-1");
  EXPECT_EQ(StaticPodName("a", ""), "a");
}

TEST(OwnerName, FindsPodsAsAMeshCallsTheirWorkload) {
  Inventory inventory;
  const auto find = [&](std::string_view name, std::string_view name_space = "shop") {
    return inventory.Read([&](const InventoryView& view) -> std::string {
      PodFactsPtr pod = view.PodByOwnerName(name_space, name);
      return pod == nullptr ? "" : pod->name;
    });
  };
  const auto add = [&](unsigned uid, const std::string& name, std::optional<OwnerReference> owner,
                       Labels labels = {}) {
    PodRecord pod = PodWithIp(uid, name, "10.0.0." + std::to_string(uid), static_cast<int>(uid));
    pod.owner = std::move(owner);
    pod.labels = std::move(labels);
    inventory.Upsert(pod, At(100));
    return pod;
  };
  // None of the owners is known: the name does not wait for them.
  PodRecord web = add(1, "web-5d4f-a", Owner(10, "apps", "ReplicaSet", "web-5d4f"),
                      {{"pod-template-hash", "5d4f"}});
  add(2, "db-0", Owner(11, "apps", "StatefulSet", "db.main"));
  add(3, "alone", std::nullopt);
  EXPECT_EQ(find("web"), "web-5d4f-a");
  EXPECT_EQ(find("db.main"), "db-0");
  EXPECT_EQ(find("alone"), "alone");
  EXPECT_EQ(find("web-5d4f"), "");
  EXPECT_EQ(find("web", "other"), "");

  // An override names the workload, not its owner.
  PodRecord named = add(4, "web-77aa-b", Owner(12, "apps", "ReplicaSet", "web-77aa"),
                        {{"pod-template-hash", "77aa"}});
  named.workload_override = "front";
  inventory.Upsert(named, At(101));
  EXPECT_EQ(find("web"), "web-77aa-b");
  EXPECT_EQ(find("front"), "");

  // A pod that lives, before one that is gone but newer.
  inventory.Delete(named, At(102));
  EXPECT_EQ(find("web"), "web-5d4f-a");
  inventory.Delete(web, At(103));
  EXPECT_EQ(find("web"), "web-77aa-b");
  inventory.Tick(At(102) + std::chrono::hours(1));
  EXPECT_EQ(find("web"), "");

  // A pod that is taken over by another owner.
  PodRecord adopted = add(5, "job-x", Owner(13, "batch", "Job", "job"));
  adopted.owner = Owner(14, "example.com", "Runner", "runner");
  inventory.Upsert(adopted, At(200));
  EXPECT_EQ(find("job"), "");
  EXPECT_EQ(find("runner"), "job-x");
}

TEST(CanonicalName, FindsTheNewestPodWithThatLabel) {
  Inventory inventory;
  for (unsigned i = 1; i <= 3; ++i) {
    PodRecord pod = PodWithIp(i, "pod-" + std::to_string(i), "10.0.0." + std::to_string(i), i);
    pod.labels = {{"service.istio.io/canonical-name", "reviews"}};
    inventory.Upsert(pod, At(10));
  }
  auto find = [&](std::string_view name) {
    return inventory.Read([&](const InventoryView& view) -> std::string {
      PodFactsPtr pod = view.PodByCanonicalName("shop", name);
      return pod == nullptr ? "" : pod->name;
    });
  };
  EXPECT_EQ(find("reviews"), "pod-3");
  inventory.Delete(PodWithIp(3, "pod-3", "10.0.0.3", 3), At(20));
  EXPECT_EQ(find("reviews"), "pod-2");
  EXPECT_EQ(find("ratings"), "");
}

}  // namespace
}  // namespace network_mapper
