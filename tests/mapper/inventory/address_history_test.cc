#include <functional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mapper/inventory/inventory_store.h"
#include "tests/mapper/inventory/inventory_builders.h"

namespace network_mapper {
namespace {

constexpr std::string_view kIp = "10.1.2.3";

struct HolderCase {
  std::string name;
  std::function<void(Inventory&)> events;
  std::vector<std::pair<double, std::string>> expected;
};

class PodHeldIpAtTime : public testing::TestWithParam<HolderCase> {};

TEST_P(PodHeldIpAtTime, Holds) {
  Inventory inventory;
  GetParam().events(inventory);
  for (const auto& [time, holder] : GetParam().expected) {
    EXPECT_EQ(HolderAt(inventory, kIp, time), holder) << "at second " << time;
  }
}

std::vector<HolderCase> EndsOfTenures() {
  return {
      {"YoungPodHoldsItsAddressBeforeItsStatusArrives",
       [](Inventory& inventory) { inventory.Upsert(PodWithIp(1, "a", kIp, 100), At(104)); },
       {{97, "(unknown)"}, {98.5, "a"}, {100, "a"}, {101, "a"}, {104, "a"}, {9000, "a"}}},
      {"FinishedPodHeldItUntilItFinished",
       [](Inventory& inventory) {
         inventory.Upsert(PodWithIp(1, "job", kIp, 100), At(101));
         inventory.Upsert(Finished(PodWithIp(1, "job", kIp, 100), 110), At(112));
       },
       {{105, "job"}, {110.9, "job"}, {112.5, "job"}, {114, "(unknown)"}}},
      {"PodThatFinishedBeforeTheMapperStartedIsKnown",
       [](Inventory& inventory) {
         inventory.Upsert(Finished(PodWithIp(1, "job", kIp, 100), 110), At(200));
       },
       {{105, "job"}, {120, "(unknown)"}}},
      {"FinishedPodNeverWinsOverTheNextHolder",
       [](Inventory& inventory) {
         inventory.Upsert(Finished(PodWithIp(1, "job", kIp, 100), 110), At(112));
         inventory.Upsert(PodWithIp(2, "web", kIp, 111), At(113));
         inventory.Upsert(Finished(PodWithIp(1, "job", kIp, 100), 110), At(115));
       },
       {{109, "job"}, {111.5, "web"}, {120, "web"}}},
      {"ReuseWithinOneSecondIsAmbiguousOnlyInThatSecond",
       [](Inventory& inventory) {
         inventory.Upsert(PodWithIp(1, "old", kIp, 50), At(51));
         inventory.Upsert(Finished(PodWithIp(1, "old", kIp, 50), 110), At(110.4));
         inventory.Upsert(PodWithIp(2, "new", kIp, 110), At(112));
       },
       {{109.9, "old"}, {110.5, "(ambiguous)"}, {111, "new"}, {113, "new"}}},
      {"NewPodThatWasCreatedBeforeTheOldOneEndedTakesOverAtTheEnd",
       [](Inventory& inventory) {
         inventory.Upsert(PodWithIp(1, "old", kIp, 50), At(51));
         inventory.Upsert(Terminating(PodWithIp(1, "old", kIp, 50), 120), At(120));
         inventory.Delete(Finished(Terminating(PodWithIp(1, "old", kIp, 50), 120), 125), At(127));
         inventory.Upsert(PodWithIp(2, "new", kIp, 90), At(130));
       },
       {{80, "old"}, {100, "old"}, {124, "old"}, {126, "new"}, {131, "new"}}},
      {"TerminatingPodStillSends",
       [](Inventory& inventory) {
         inventory.Upsert(PodWithIp(1, "a", kIp, 100), At(101));
         inventory.Upsert(Terminating(PodWithIp(1, "a", kIp, 100), 110), At(110));
       },
       {{111, "a"}, {135, "a"}}},
      {"DeletedPodIsRememberedUntilItsDeletion",
       [](Inventory& inventory) {
         inventory.Upsert(PodWithIp(1, "a", kIp, 100), At(101));
         inventory.Delete(PodWithIp(1, "a", kIp, 100), At(120));
       },
       {{119, "a"}, {121, "a"}, {123, "(unknown)"}}},
  };
}

std::vector<HolderCase> ConflictsAndGaps() {
  return {
      {"RunningPodsThatShareAnAddressAreAmbiguous",
       [](Inventory& inventory) {
         inventory.Upsert(PodWithIp(1, "a", kIp, 100), At(101));
         inventory.Upsert(PodWithIp(2, "b", kIp, 200), At(201));
       },
       {{150, "a"}, {199, "a"}, {200.5, "a"}, {202, "(ambiguous)"}}},
      {"PodsWithoutNewsDuringADisconnectEndAtTheRelist",
       [](Inventory& inventory) {
         inventory.Upsert(PodWithIp(1, "a", kIp, 100), At(101));
         inventory.BeginReplace(ObjectKind::kPod);
         inventory.EndReplace(ObjectKind::kPod, At(160));
       },
       {{150, "a"}, {159, "a"}, {163, "(unknown)"}}},
      {"RelistGapIsAmbiguousOnlyWhereAnotherPodMayHaveHadIt",
       [](Inventory& inventory) {
         inventory.Upsert(PodWithIp(1, "a", kIp, 100), At(101));
         inventory.BeginReplace(ObjectKind::kPod);
         PodRecord b = PodWithIp(2, "b", kIp, 130);
         b.first_container_started = At(139);
         inventory.Upsert(b, At(160));
         inventory.EndReplace(ObjectKind::kPod, At(160));
       },
       {{120, "a"}, {135, "(ambiguous)"}, {141, "b"}, {170, "b"}}},
      {"SkewIsNotToleratedWhereTwoPodsAreNear",
       [](Inventory& inventory) {
         inventory.Upsert(PodWithIp(1, "a", kIp, 50), At(51));
         inventory.Delete(Finished(PodWithIp(1, "a", kIp, 50), 100), At(102));
         inventory.Upsert(PodWithIp(2, "b", kIp, 103), At(104));
       },
       {{100.5, "a"}, {102, "(ambiguous)"}, {103.5, "b"}}},
      {"PodsOfOneWorkloadAreNeverAmbiguous",
       [](Inventory& inventory) {
         for (unsigned i = 1; i <= 2; ++i) {
           PodRecord pod = PodWithIp(i, "web-0", kIp, 100 * i);
           pod.owner = Owner(50, "apps", "StatefulSet", "web");
           inventory.Upsert({Uid(50), std::nullopt}, ObjectKind::kStatefulSet, At(1));
           inventory.Upsert(pod, At(100 * i + 1));
         }
       },
       {{300, "web-0"}}},
  };
}

std::vector<HolderCase> KindsOfPods() {
  return {
      {"HostNetworkPodIsNeverFoundByAddress",
       [](Inventory& inventory) {
         PodRecord pod = PodWithIp(1, "proxy", kIp, 100);
         pod.host_network = true;
         inventory.Upsert(pod, At(101));
       },
       {{150, "(host network)"}}},
      {"PendingPodWithInitContainersIsFound",
       [](Inventory& inventory) {
         PodRecord pod = PodWithIp(1, "a", kIp, 100);
         pod.phase = PodPhase::kPending;
         inventory.Upsert(pod, At(101));
       },
       {{105, "a"}}},
      {"AddressOfANewSandboxBeginsAfterTheLastStatusWithTheOldOne",
       [](Inventory& inventory) {
         inventory.Upsert(PodWithIp(1, "a", "10.1.2.9", 100), At(101));
         inventory.Upsert(PodWithIp(1, "a", kIp, 100), At(200));
       },
       {{98, "(unknown)"}, {99.5, "a"}, {150, "a"}, {201, "a"}}},
  };
}

std::string CaseName(const testing::TestParamInfo<HolderCase>& info) {
  return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(Ends, PodHeldIpAtTime, testing::ValuesIn(EndsOfTenures()), CaseName);
INSTANTIATE_TEST_SUITE_P(Conflicts, PodHeldIpAtTime, testing::ValuesIn(ConflictsAndGaps()),
                         CaseName);
INSTANTIATE_TEST_SUITE_P(Kinds, PodHeldIpAtTime, testing::ValuesIn(KindsOfPods()), CaseName);

TEST(AddressHistory, KnowsBothFamiliesOfADualStackPod) {
  Inventory inventory;
  PodRecord pod = PodWithIp(1, "a", "10.0.0.1", 100);
  pod.ips.push_back(Ip("fd00::1"));
  inventory.Upsert(pod, At(101));
  EXPECT_EQ(HolderAt(inventory, "10.0.0.1", 102), "a");
  EXPECT_EQ(HolderAt(inventory, "fd00:0::1", 102), "a");
}

TEST(AddressHistory, SecondFamilyThatIsReportedLaterCountsFromTheStart) {
  Inventory inventory;
  PodRecord pod = PodWithIp(1, "a", "10.0.0.1", 100);
  inventory.Upsert(pod, At(101));
  pod.ips.push_back(Ip("fd00::1"));
  inventory.Upsert(pod, At(110));
  EXPECT_EQ(HolderAt(inventory, "fd00::1", 101), "a");
}

TEST(AddressHistory, RestartOfAStatefulSetPodMovesToItsNewAddress) {
  Inventory inventory;
  inventory.Upsert(PodWithIp(1, "db-0", "10.0.0.1", 100), At(101));
  inventory.Delete(Finished(PodWithIp(1, "db-0", "10.0.0.1", 100), 200), At(201));
  inventory.Upsert(PodWithIp(2, "db-0", "10.0.0.2", 202), At(203));
  EXPECT_EQ(HolderAt(inventory, "10.0.0.1", 150), "db-0");
  EXPECT_EQ(HolderAt(inventory, "10.0.0.1", 210), "(unknown)");
  EXPECT_EQ(HolderAt(inventory, "10.0.0.2", 210), "db-0");
  PodUid current =
      inventory.Read([](const InventoryView& view) { return view.PodByName("shop", "db-0")->uid; });
  EXPECT_EQ(current, Uid(2));
}

// docs/regressions.md P10
TEST(AddressHistory, ForgetsWhatIsOlderThanTheHistory) {
  Inventory inventory;
  inventory.Upsert(PodWithIp(1, "a", kIp, 100), At(101));
  inventory.Delete(PodWithIp(1, "a", kIp, 100), At(120));
  inventory.Tick(At(120 + 599));
  EXPECT_EQ(HolderAt(inventory, kIp, 110), "a");
  inventory.Tick(At(120 + 601));
  EXPECT_EQ(HolderAt(inventory, kIp, 110), "(unknown)");
  EXPECT_EQ(WorkloadOf(inventory, 1), "(unknown)");
  EXPECT_EQ(inventory.Sizes().pod_addresses, 0);
}

// docs/regressions.md P10
TEST(AddressHistory, KeepsAtMostTheConfiguredNumberOfPastHolders) {
  InventoryOptions options;
  options.max_remembered = 10;
  Inventory inventory(options);
  for (unsigned i = 0; i < 100; ++i) {
    std::string ip = "10.0.0." + std::to_string(i);
    inventory.Upsert(PodWithIp(i, "a", ip, 100), At(101));
    inventory.Delete(PodWithIp(i, "a", ip, 100), At(110));
  }
  inventory.Tick(At(111));
  EXPECT_EQ(inventory.Sizes().pod_addresses, 10);
  EXPECT_EQ(inventory.Sizes().pods, 0);
  EXPECT_EQ(HolderAt(inventory, "10.0.0.1", 105), "(unknown)");
  EXPECT_EQ(HolderAt(inventory, "10.0.0.99", 105), "a");
}

// docs/regressions.md P4: pods are there from their first second, whatever their age, phase or
// fate.
TEST(FieldP4, PodThatLivedThreeSecondsIsStillResolved) {
  Inventory inventory;
  inventory.Upsert(PodWithIp(1, "short", kIp, 100), At(101));
  inventory.Delete(Finished(PodWithIp(1, "short", kIp, 100), 103), At(104));
  EXPECT_EQ(HolderAt(inventory, kIp, 100.2), "short");
  EXPECT_EQ(HolderAt(inventory, kIp, 103.0), "short");
}

// docs/regressions.md 1.1 kubefinder (phase), P4
TEST(FieldP4, InitContainersOfAPendingPodAndACompletedJobAreResolved) {
  Inventory inventory;
  PodRecord pending = PodWithIp(1, "starting", kIp, 100);
  pending.phase = PodPhase::kPending;
  inventory.Upsert(pending, At(101));
  EXPECT_EQ(HolderAt(inventory, kIp, 101), "starting");
  inventory.Upsert(Finished(PodWithIp(1, "starting", kIp, 100), 160), At(161));
  EXPECT_EQ(HolderAt(inventory, kIp, 159), "starting");
}

// docs/regressions.md P5: the AWS VPC CNI gives an address on while its Completed pod still shows
// it.
TEST(FieldP5, CompletedPodThatStillShowsItsAddressDoesNotHideTheRunningOne) {
  Inventory inventory;
  inventory.BeginReplace(ObjectKind::kPod);
  inventory.Upsert(PodWithIp(2, "running", kIp, 500), At(1000));
  inventory.Upsert(Finished(PodWithIp(1, "completed", kIp, 100), 200), At(1000));
  inventory.EndReplace(ObjectKind::kPod, At(1000));
  EXPECT_EQ(HolderAt(inventory, kIp, 900), "running");
  EXPECT_EQ(HolderAt(inventory, kIp, 1100), "running");
}

constexpr std::string_view kNode = "192.168.0.1";

PodRecord BehindPort(PodRecord pod, uint16_t port, Protocol protocol = Protocol::kTcp) {
  pod.host_ips = {Ip(kNode)};
  pod.host_ports.push_back({Ip(kNode), port, protocol});
  return pod;
}

std::string BehindPortAt(const Inventory& inventory, uint16_t port, double time,
                         Protocol protocol = Protocol::kTcp) {
  return inventory.Read([&](const InventoryView& view) -> std::string {
    PodAnswer answer = view.PodByHostPort({Ip(kNode), port, protocol}, At(time));
    if (answer.pod != nullptr) {
      return answer.pod->name;
    }
    return answer.failure == LookupFailure::kUnknown ? "(unknown)" : "(other)";
  });
}

TEST(HostPorts, OnePodAfterTheOtherStandsBehindAPortOfANode) {
  Inventory inventory;
  PodRecord old_pod = BehindPort(PodWithIp(1, "old", "10.0.0.1", 100), 8080);
  inventory.Upsert(old_pod, At(101));
  EXPECT_EQ(BehindPortAt(inventory, 8080, 150), "old");
  EXPECT_EQ(BehindPortAt(inventory, 8081, 150), "(unknown)");
  EXPECT_EQ(BehindPortAt(inventory, 8080, 150, Protocol::kUdp), "(unknown)");
  EXPECT_EQ(BehindPortAt(inventory, 8080, 90), "(unknown)");
  inventory.Upsert(Terminating(old_pod, 200), At(200));
  inventory.Delete(Finished(Terminating(old_pod, 200), 203), At(204));
  inventory.Upsert(BehindPort(PodWithIp(2, "new", "10.0.0.2", 205), 8080), At(206));
  EXPECT_EQ(BehindPortAt(inventory, 8080, 202), "old");
  EXPECT_EQ(BehindPortAt(inventory, 8080, 205.5), "new");
}

TEST(HostPorts, TheSamePortForTcpAndUdpIsTwo) {
  Inventory inventory;
  inventory.Upsert(BehindPort(PodWithIp(1, "web", "10.0.0.1", 100), 53), At(101));
  inventory.Upsert(BehindPort(PodWithIp(2, "dns", "10.0.0.2", 100), 53, Protocol::kUdp), At(101));
  EXPECT_EQ(BehindPortAt(inventory, 53, 150), "web");
  EXPECT_EQ(BehindPortAt(inventory, 53, 150, Protocol::kUdp), "dns");
}

TEST(HostPorts, APodWithoutAnAddressIsBehindNoneYet) {
  Inventory inventory;
  PodRecord pending = BehindPort(Pod(1, "pending"), 8080);
  pending.phase = PodPhase::kPending;
  inventory.Upsert(pending, At(101));
  EXPECT_EQ(BehindPortAt(inventory, 8080, 101), "(unknown)");
  inventory.Upsert(BehindPort(PodWithIp(1, "pending", "10.0.0.1", 102), 8080), At(103));
  EXPECT_EQ(BehindPortAt(inventory, 8080, 102.5), "pending");
}

TEST(HostPorts, VanishedEndedAndForgottenPodsLeaveThem) {
  Inventory inventory;
  inventory.Upsert(BehindPort(PodWithIp(1, "vanished", "10.0.0.1", 100), 8080), At(101));
  inventory.BeginReplace(ObjectKind::kPod);
  inventory.Upsert(Finished(BehindPort(PodWithIp(2, "ended", "10.0.0.2", 150), 8082), 170),
                   At(200));
  inventory.EndReplace(ObjectKind::kPod, At(200));
  EXPECT_EQ(BehindPortAt(inventory, 8080, 101), "vanished");
  EXPECT_EQ(BehindPortAt(inventory, 8080, 300), "(unknown)");
  EXPECT_EQ(BehindPortAt(inventory, 8082, 160), "ended");
  EXPECT_EQ(BehindPortAt(inventory, 8082, 300), "(unknown)");
  inventory.Tick(At(200 + 601));
  EXPECT_EQ(BehindPortAt(inventory, 8080, 101), "(unknown)");
  EXPECT_EQ(BehindPortAt(inventory, 8082, 160), "(unknown)");
}

// docs/regressions.md P6: the address of a node names none of its host-network pods, the UID does.
TEST(FieldP6, HostNetworkPodIsFoundByUidAndByThePortItExposes) {
  Inventory inventory;
  inventory.Upsert({"node-1", {Ip("192.168.0.1")}}, At(1));
  PodRecord exporter = PodWithIp(1, "node-exporter", "192.168.0.1", 100);
  exporter.host_network = true;
  exporter.container_ports = {9100};
  inventory.Upsert(exporter, At(101));
  PodRecord proxy = PodWithIp(2, "kube-proxy", "192.168.0.1", 100);
  proxy.host_network = true;
  proxy.container_ports = {10249};
  inventory.Upsert(proxy, At(101));
  EXPECT_EQ(HolderAt(inventory, "192.168.0.1", 120), "(host network)");
  EXPECT_EQ(WorkloadOf(inventory, 1), "Pod node-exporter");
  inventory.Read([](const InventoryView& view) {
    EXPECT_EQ(view.HostNetworkPods(Ip("192.168.0.1"), std::nullopt).size(), 2);
    auto found = view.HostNetworkPods(Ip("192.168.0.1"), 9100);
    ASSERT_EQ(found.size(), 1);
    EXPECT_EQ(found[0]->name, "node-exporter");
    EXPECT_TRUE(view.HostNetworkPods(Ip("192.168.0.1"), 80).empty());
  });
  inventory.Delete(exporter, At(130));
  inventory.Read([](const InventoryView& view) {
    EXPECT_TRUE(view.HostNetworkPods(Ip("192.168.0.1"), 9100).empty());
  });
}

}  // namespace
}  // namespace network_mapper
