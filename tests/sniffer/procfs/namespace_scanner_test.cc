#include "sniffer/procfs/namespace_scanner.h"

#include <sys/capability.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sniffer/procfs/fake_proc_tree.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"

namespace network_mapper::sniffer {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class NamespaceScannerTest : public ::testing::Test {
 protected:
  NamespaceScannerTest() {
    tree_.AddProcess({.pid = 1, .network_namespace = "host"});
    tree_.SetSelf(1);
    tree_.AddNamespace("a", "10.88.0.2");
  }

  NamespaceSnapshot Scan() {
    auto snapshot = scanner_.Scan();
    EXPECT_THAT(snapshot, IsOk());
    return snapshot.ok() ? *std::move(snapshot) : NamespaceSnapshot{};
  }

  // The namespaces that are not the host's.
  static std::vector<NetworkNamespace> Others(const NamespaceSnapshot& snapshot) {
    std::vector<NetworkNamespace> others;
    for (const NetworkNamespace& one : snapshot.namespaces) {
      if (!one.is_host) {
        others.push_back(one);
      }
    }
    return others;
  }

  FakeProcTree tree_;
  FakeClock clock_;
  ProcFs proc_fs_ = tree_.Open();
  Time boot_ = clock_.Now() - std::chrono::hours(1);
  NamespaceScanner scanner_{proc_fs_, clock_, {.boot_time = boot_}};
};

TEST_F(NamespaceScannerTest, FindsThePodItsAddressesAndItsStart) {
  tree_.SetAddresses("a", {"10.88.0.2", "fd00:88::2", "127.0.0.1"});
  tree_.AddProcess({.pid = 20, .network_namespace = "a", .pod_uid = kPodA, .start_ticks = 5817});
  tree_.AddProcess({.pid = 21, .network_namespace = "a", .pod_uid = kPodA, .start_ticks = 9000});
  NamespaceSnapshot snapshot = Scan();
  EXPECT_EQ(snapshot.processes, 3U);
  EXPECT_EQ(snapshot.taken_at, clock_.Now());
  ASSERT_EQ(Others(snapshot).size(), 1U);
  const NetworkNamespace pod = Others(snapshot)[0];
  EXPECT_EQ(pod.pod_uid, Uid(kPodA));
  EXPECT_THAT(pod.pids, ElementsAre(20, 21));
  EXPECT_THAT(pod.addresses, ElementsAre(Address("10.88.0.2"), Address("fd00:88::2")));
  EXPECT_EQ(pod.earliest_start, boot_ + std::chrono::milliseconds(58170));
}

TEST_F(NamespaceScannerTest, TakesTheStartOfThePodsFirstProcessNotOfWhatMadeTheNamespace) {
  tree_.AddProcess({.pid = 19, .network_namespace = "a", .start_ticks = 50});
  tree_.AddProcess({.pid = 20, .network_namespace = "a", .pod_uid = kPodA, .start_ticks = 200});
  NamespaceSnapshot snapshot = Scan();
  ASSERT_EQ(Others(snapshot).size(), 1U);
  EXPECT_EQ(Others(snapshot)[0].pod_uid, Uid(kPodA));
  EXPECT_EQ(Others(snapshot)[0].earliest_start, boot_ + std::chrono::seconds(2));
}

TEST_F(NamespaceScannerTest, LeavesANamespaceOfSeveralPodsToNoneOfThem) {
  tree_.AddProcess({.pid = 20, .network_namespace = "a", .pod_uid = kPodA});
  tree_.AddProcess({.pid = 21, .network_namespace = "a", .pod_uid = kPodB});
  tree_.AddProcess({.pid = 22, .network_namespace = "a", .pod_uid = kPodA});
  NamespaceSnapshot snapshot = Scan();
  ASSERT_EQ(Others(snapshot).size(), 1U);
  EXPECT_TRUE(Others(snapshot)[0].conflicting_pods);
  EXPECT_FALSE(Others(snapshot)[0].pod_uid);
}

TEST_F(NamespaceScannerTest, ListsHostNetworkPodsProcessByProcess) {
  tree_.AddProcess({.pid = 30, .network_namespace = "host", .pod_uid = kPodA});
  tree_.AddProcess({.pid = 31, .network_namespace = "host", .pod_uid = kPodB});
  NamespaceSnapshot snapshot = Scan();
  ASSERT_NE(snapshot.Host(), nullptr);
  EXPECT_FALSE(snapshot.Host()->pod_uid);
  EXPECT_FALSE(snapshot.Host()->conflicting_pods);
  ASSERT_EQ(snapshot.host_pod_processes.size(), 2U);
  EXPECT_EQ(snapshot.host_pod_processes[0].pid, 30);
  EXPECT_EQ(snapshot.host_pod_processes[0].pod_uid, Uid(kPodA));
}

// docs/regressions.md P9
TEST_F(NamespaceScannerTest, ExaminesAnOldProcessOnce) {
  for (int32_t pid = 100; pid < 140; ++pid) {
    tree_.AddProcess({.pid = pid, .network_namespace = "a", .pod_uid = kPodA});
  }
  EXPECT_EQ(Scan().examined, 41U);
  clock_.Advance(std::chrono::seconds(1));
  NamespaceSnapshot second = Scan();
  EXPECT_EQ(second.examined, 0U);
  ASSERT_EQ(Others(second).size(), 1U);
  EXPECT_EQ(Others(second)[0].pids.size(), NetworkNamespace::kMaxPids);
}

TEST_F(NamespaceScannerTest, LooksAgainAtAYoungProcessThatHasNotJoinedItsPodYet) {
  clock_.Advance(std::chrono::seconds(1));
  uint64_t just_now =
      (std::chrono::hours(1) + std::chrono::seconds(1)) / std::chrono::milliseconds(10);
  tree_.AddProcess({.pid = 40, .network_namespace = "a", .start_ticks = just_now});
  EXPECT_FALSE(Others(Scan())[0].pod_uid);
  tree_.SetPod(40, kPodA);
  clock_.Advance(std::chrono::milliseconds(250));
  NamespaceSnapshot second = Scan();
  EXPECT_EQ(second.examined, 1U);
  EXPECT_EQ(Others(second)[0].pod_uid, Uid(kPodA));
}

TEST_F(NamespaceScannerTest, LooksAgainAtOldProcessesNowAndThen) {
  tree_.AddProcess({.pid = 40, .network_namespace = "a"});
  EXPECT_FALSE(Others(Scan())[0].pod_uid);
  tree_.SetPod(40, kPodA);
  clock_.Advance(std::chrono::seconds(59));
  EXPECT_FALSE(Others(Scan())[0].pod_uid);
  clock_.Advance(std::chrono::seconds(61));
  EXPECT_EQ(Others(Scan())[0].pod_uid, Uid(kPodA));
}

TEST_F(NamespaceScannerTest, NoticesThatANumberBelongsToAnotherProcess) {
  tree_.AddNamespace("b", "10.88.0.3");
  tree_.AddProcess({.pid = 40, .network_namespace = "a", .pod_uid = kPodA, .start_ticks = 100});
  EXPECT_EQ(Others(Scan())[0].pod_uid, Uid(kPodA));
  tree_.EndProcess(40);
  tree_.AddProcess({.pid = 40, .network_namespace = "b", .pod_uid = kPodB, .start_ticks = 200});
  NamespaceSnapshot second = Scan();
  ASSERT_EQ(Others(second).size(), 1U);
  EXPECT_EQ(Others(second)[0].pod_uid, Uid(kPodB));
  EXPECT_THAT(Others(second)[0].addresses, ElementsAre(Address("10.88.0.3")));
  EXPECT_EQ(Others(second)[0].earliest_start, boot_ + std::chrono::seconds(2));
}

TEST_F(NamespaceScannerTest, PassesOverAProcessThatVanishesWhileItIsLookedAt) {
  // Its directory was listed, its files are gone.
  std::filesystem::create_directory(tree_.Root() / "50");
  tree_.AddProcess({.pid = 51, .network_namespace = "a", .pod_uid = kPodA});
  tree_.RemoveFile(51, "stat");
  tree_.AddProcess({.pid = 52, .network_namespace = "a", .pod_uid = kPodA, .start_ticks = 300});
  NamespaceSnapshot snapshot = Scan();
  EXPECT_EQ(snapshot.namespace_not_permitted, 0U);
  ASSERT_EQ(Others(snapshot).size(), 1U);
  EXPECT_THAT(Others(snapshot)[0].pids, ElementsAre(52));
  EXPECT_EQ(Others(snapshot)[0].earliest_start, boot_ + std::chrono::seconds(3));
}

TEST_F(NamespaceScannerTest, ReadsAddressesThroughTheNextProcessWhenTheFirstIsGone) {
  tree_.AddProcess({.pid = 60, .network_namespace = "a", .pod_uid = kPodA, .start_ticks = 1});
  tree_.AddProcess({.pid = 61, .network_namespace = "a", .pod_uid = kPodA, .start_ticks = 2});
  tree_.RemoveFile(60, "net");
  EXPECT_THAT(Others(Scan())[0].addresses, ElementsAre(Address("10.88.0.2")));
}

TEST_F(NamespaceScannerTest, ReadsAddressesWhileANamespaceIsYoungAndThenNowAndThen) {
  tree_.AddProcess({.pid = 40, .network_namespace = "a", .pod_uid = kPodA});
  Scan();
  tree_.SetAddresses("a", {"10.88.0.5"});
  clock_.Advance(std::chrono::seconds(1));
  EXPECT_THAT(Others(Scan())[0].addresses, ElementsAre(Address("10.88.0.5")));
  clock_.Advance(std::chrono::seconds(5));
  tree_.SetAddresses("a", {"10.88.0.6"});
  EXPECT_THAT(Others(Scan())[0].addresses, ElementsAre(Address("10.88.0.5")));
  clock_.Advance(std::chrono::seconds(5));
  EXPECT_THAT(Others(Scan())[0].addresses, ElementsAre(Address("10.88.0.6")));
}

// docs/regressions.md P5: an address goes from one namespace to another.
TEST_F(NamespaceScannerTest, ReadsAllAddressesWhenANamespaceCameOrWent) {
  tree_.AddProcess({.pid = 40, .network_namespace = "a", .pod_uid = kPodA});
  Scan();
  clock_.Advance(std::chrono::seconds(6));
  Scan();
  tree_.SetAddresses("a", {"10.88.0.5"});
  tree_.AddNamespace("b", "10.88.0.2");
  tree_.AddProcess({.pid = 41, .network_namespace = "b", .pod_uid = kPodB});
  for (const NetworkNamespace& one : Others(Scan())) {
    EXPECT_THAT(one.addresses,
                ElementsAre(Address(one.pod_uid == Uid(kPodA) ? "10.88.0.5" : "10.88.0.2")));
  }
  clock_.Advance(std::chrono::seconds(6));
  Scan();
  tree_.EndProcess(41);
  tree_.SetAddresses("a", {"10.88.0.2"});
  EXPECT_THAT(Others(Scan())[0].addresses, ElementsAre(Address("10.88.0.2")));
}

TEST_F(NamespaceScannerTest, LooksForAddressesUntilThereAreSome) {
  tree_.SetAddresses("a", {});
  tree_.AddProcess({.pid = 40, .network_namespace = "a", .pod_uid = kPodA});
  Scan();
  clock_.Advance(std::chrono::seconds(6));
  Scan();
  tree_.SetAddresses("a", {"10.88.0.2"});
  EXPECT_THAT(Others(Scan())[0].addresses, ElementsAre(Address("10.88.0.2")));
}

TEST_F(NamespaceScannerTest, BoundsTheAddressesOfAPodAndCountsTheRest) {
  std::vector<std::string> texts;
  std::vector<std::string_view> addresses;
  for (size_t i = 0; i < NetworkNamespace::kMaxAddresses + 7; ++i) {
    texts.push_back(fmt::format("10.9.{}.{}", i / 250, i % 250 + 1));
  }
  addresses.assign(texts.begin(), texts.end());
  tree_.SetAddresses("a", addresses);
  tree_.SetAddresses("host", addresses);
  tree_.AddProcess({.pid = 40, .network_namespace = "a", .pod_uid = kPodA});
  NamespaceSnapshot snapshot = Scan();
  EXPECT_EQ(Others(snapshot)[0].addresses.size(), NetworkNamespace::kMaxAddresses);
  EXPECT_EQ(snapshot.addresses_beyond_limit, 7U);
  EXPECT_EQ(snapshot.Host()->addresses.size(), texts.size()) << "IPVS gives it every Service's";
}

TEST_F(NamespaceScannerTest, ForgetsWhatIsGone) {
  tree_.AddProcess({.pid = 40, .network_namespace = "a", .pod_uid = kPodA});
  EXPECT_EQ(Others(Scan()).size(), 1U);
  tree_.EndProcess(40);
  NamespaceSnapshot second = Scan();
  EXPECT_THAT(Others(second), IsEmpty());
  EXPECT_EQ(second.processes, 1U);
}

TEST_F(NamespaceScannerTest, FailsWhenThereIsNoProc) {
  std::filesystem::remove_all(tree_.Root());
  // The open directory is empty now: nothing is there, which is no error.
  EXPECT_EQ(Scan().processes, 0U);
  EXPECT_THAT(ProcFs::Open(tree_.Root()), StatusIs(StatusCode::kNotFound, ::testing::_));
}

// Without what lets root pass permissions; in effect until the end of the scope.
class WithoutOverride {
 public:
  WithoutOverride() { Set(CAP_CLEAR); }

  WithoutOverride(const WithoutOverride&) = delete;
  WithoutOverride& operator=(const WithoutOverride&) = delete;

  ~WithoutOverride() { Set(CAP_SET); }

 private:
  static void Set(cap_flag_value_t value) {
    if (geteuid() != 0) {
      return;
    }
    cap_t all = cap_get_proc();
    std::array<cap_value_t, 2> override_capabilities{CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH};
    ASSERT_EQ(cap_set_flag(all, CAP_EFFECTIVE, override_capabilities.size(),
                           override_capabilities.data(), value),
              0);
    ASSERT_EQ(cap_set_proc(all), 0);
    cap_free(all);
  }
};

class WithoutPermission : public NamespaceScannerTest {
 protected:
  void Forbid(int32_t pid) {
    std::filesystem::permissions(tree_.Root() / std::to_string(pid) / "ns",
                                 std::filesystem::perms::none);
    forbidden_.push_back(pid);
  }

  ~WithoutPermission() override {
    for (int32_t pid : forbidden_) {
      std::filesystem::permissions(tree_.Root() / std::to_string(pid) / "ns",
                                   std::filesystem::perms::owner_all);
    }
  }

  std::vector<int32_t> forbidden_;
};

TEST_F(WithoutPermission, GroupsProcessesByPodAndCountsThem) {
  tree_.AddProcess({.pid = 20, .network_namespace = "a", .pod_uid = kPodA});
  tree_.AddProcess({.pid = 21, .network_namespace = "a", .pod_uid = kPodA});
  tree_.AddProcess({.pid = 22, .network_namespace = "a"});
  for (int32_t pid : {20, 21, 22}) {
    Forbid(pid);
  }
  WithoutOverride without;
  NamespaceSnapshot snapshot = Scan();
  EXPECT_EQ(snapshot.namespace_not_permitted, 3U);
  ASSERT_EQ(Others(snapshot).size(), 1U);
  EXPECT_EQ(Others(snapshot)[0].pod_uid, Uid(kPodA));
  EXPECT_THAT(Others(snapshot)[0].pids, ElementsAre(20, 21));
  EXPECT_THAT(Others(snapshot)[0].addresses, ElementsAre(Address("10.88.0.2")));
}

TEST_F(WithoutPermission, LeavesOutHostNetworkPodsWhichWouldOwnTheNodesAddress) {
  tree_.AddProcess({.pid = 20, .network_namespace = "a", .pod_uid = kPodA});
  tree_.AddProcess({.pid = 30, .network_namespace = "host", .pod_uid = kPodB});
  Forbid(20);
  Forbid(30);
  WithoutOverride without;
  NamespaceSnapshot snapshot = Scan();
  ASSERT_EQ(Others(snapshot).size(), 1U);
  EXPECT_EQ(Others(snapshot)[0].pod_uid, Uid(kPodA));
}

}  // namespace
}  // namespace network_mapper::sniffer
