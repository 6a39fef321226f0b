#include "sniffer/procfs/host_sockets.h"

#include <gtest/gtest.h>

#include "tests/sniffer/procfs/fake_proc_tree.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"

namespace network_mapper::sniffer {
namespace {

// docs/regressions.md P6
class HostSocketsTest : public ::testing::Test {
 protected:
  HostSocketsTest() {
    tree_.AddProcess({.pid = 1, .network_namespace = "host", .sockets = {100}});
    tree_.SetSelf(1);
    tree_.AddProcess(
        {.pid = 30, .network_namespace = "host", .pod_uid = kPodA, .sockets = {101, 102}});
    tree_.AddProcess({.pid = 31, .network_namespace = "host", .pod_uid = kPodB, .sockets = {103}});
  }

  void Scan() {
    clock_.Advance(std::chrono::seconds(1));
    auto snapshot = namespaces_.Scan();
    ASSERT_THAT(snapshot, IsOk());
    sockets_.Update(*snapshot);
  }

  static FakeSocket Open(uint16_t port, uint64_t inode) {
    return {.local = "192.168.0.1",
            .local_port = port,
            .remote = "10.96.0.10",
            .remote_port = 80,
            .inode = inode};
  }

  std::optional<PodUid> Owner(uint16_t port) { return sockets_.OwnerOfPort(port, clock_.Now()); }

  FakeProcTree tree_;
  FakeClock clock_;
  ProcFs proc_fs_ = tree_.Open();
  NamespaceScanner namespaces_{
      proc_fs_, clock_, {.boot_time = clock_.Now() - std::chrono::hours(1)}};
  HostSockets sockets_{proc_fs_, clock_};
};

TEST_F(HostSocketsTest, FindsThePodThatHoldsASocket) {
  tree_.SetSockets("host", "tcp", {Open(40000, 100), Open(40001, 101)});
  tree_.SetSockets("host", "tcp6", {Open(40003, 103)});
  Scan();
  EXPECT_FALSE(sockets_.OwnerOfInode(100)) << "a process of the node";
  EXPECT_EQ(sockets_.OwnerOfInode(101), Uid(kPodA));
  EXPECT_EQ(sockets_.OwnerOfInode(103), Uid(kPodB));
  EXPECT_FALSE(sockets_.OwnerOfInode(999));
  EXPECT_FALSE(Owner(40000));
  EXPECT_EQ(Owner(40001), Uid(kPodA));
  EXPECT_EQ(Owner(40003), Uid(kPodB));
  EXPECT_FALSE(Owner(40004));
}

TEST_F(HostSocketsTest, GivesASocketThatTwoPodsHoldToNeither) {
  tree_.OpenSocket(31, 101);
  tree_.SetSockets("host", "tcp", {Open(40001, 101), Open(40002, 102)});
  Scan();
  EXPECT_FALSE(Owner(40001));
  EXPECT_EQ(Owner(40002), Uid(kPodA));
}

TEST_F(HostSocketsTest, RemembersTheOwnerOfASocketThatHasClosed) {
  tree_.SetSockets("host", "tcp", {Open(40001, 101)});
  Scan();
  Time open = clock_.Now();
  tree_.SetSockets("host", "tcp", {});
  tree_.CloseSocket(30, 101);
  Scan();
  EXPECT_EQ(sockets_.OwnerOfPort(40001, open), Uid(kPodA));
  clock_.Advance(HostSockets::kMemory);
  Scan();
  EXPECT_FALSE(sockets_.OwnerOfPort(40001, open));
}

TEST_F(HostSocketsTest, KnowsAConnectionOpenedSinceTheLastScan) {
  Scan();
  Time between = clock_.Now() + std::chrono::milliseconds(300);
  tree_.SetSockets("host", "tcp", {Open(40001, 101)});
  Scan();
  EXPECT_EQ(sockets_.OwnerOfPort(40001, between), Uid(kPodA));
}

TEST_F(HostSocketsTest, DoesNotGuessBetweenTwoUsersOfAPortInOneInterval) {
  tree_.SetSockets("host", "tcp", {Open(40001, 101)});
  Scan();
  Time first = clock_.Now();
  tree_.SetSockets("host", "tcp", {Open(40001, 103)});
  Scan();
  EXPECT_FALSE(sockets_.OwnerOfPort(40001, first));
  EXPECT_EQ(Owner(40001), Uid(kPodB));
}

// Another process of the node may open a connection from the same port to another server.
TEST_F(HostSocketsTest, GivesTheFirstPacketsOfAConnectionOnlyToTheSocketThatWasOpenedThen) {
  tree_.SetSockets("host", "tcp", {Open(40001, 101)});
  Scan();
  Time opened = clock_.Now();
  clock_.Advance(std::chrono::minutes(1));
  Scan();
  EXPECT_EQ(sockets_.OwnerOfPort(40001, opened), Uid(kPodA)) << "it is open";
  EXPECT_FALSE(Owner(40001));
}

TEST_F(HostSocketsTest, FollowsASocketThatIsLongInOpening) {
  FakeSocket opening = Open(40001, 101);
  opening.state = "02";
  tree_.SetSockets("host", "tcp", {opening});
  for (int second = 0; second < 30; ++second) {
    Scan();
    tree_.OpenSocket(30, 200 + static_cast<uint64_t>(second));
  }
  EXPECT_EQ(Owner(40001), Uid(kPodA));
}

TEST_F(HostSocketsTest, ReadsTheTablesOnlyForSocketsThatAppeared) {
  tree_.SetSockets("host", "tcp", {Open(40001, 101), Open(40002, 102), Open(40003, 103)});
  Scan();
  tree_.SetSockets("host", "tcp", {Open(40001, 101), Open(40002, 102), Open(40004, 103)});
  Scan();
  EXPECT_FALSE(Owner(40004)) << "no socket appeared, so this was not read";
  tree_.OpenSocket(31, 104);
  tree_.SetSockets("host", "tcp", {Open(40005, 104)});
  Scan();
  EXPECT_EQ(Owner(40005), Uid(kPodB));
}

TEST_F(HostSocketsTest, NoticesASocketThatConnectsLateAfterAWhile) {
  tree_.SetSockets("host", "tcp", {Open(40002, 102), Open(40003, 103)});
  Scan();
  clock_.Advance(HostSockets::kUnconnected);
  tree_.SetSockets("host", "tcp", {Open(40001, 101), Open(40002, 102), Open(40003, 103)});
  Scan();
  EXPECT_FALSE(Owner(40001)) << "not yet";
  clock_.Advance(HostSockets::kReadInterval);
  Scan();
  EXPECT_EQ(Owner(40001), Uid(kPodA));
}

TEST_F(HostSocketsTest, IgnoresListenersAndSocketsWithoutAnOwner) {
  FakeSocket listener = Open(8080, 101);
  listener.state = "0A";
  FakeSocket orphan = Open(40002, 0);
  orphan.state = "06";
  tree_.SetSockets("host", "tcp", {listener, orphan});
  Scan();
  EXPECT_FALSE(Owner(8080));
  EXPECT_FALSE(Owner(40002));
  EXPECT_EQ(sockets_.OwnerOfInode(101), Uid(kPodA));
}

// The socket was there before its process could be told to be a pod's.
TEST_F(HostSocketsTest, LooksAgainWhenAProcessTurnsOutToBeAPods) {
  tree_.SetSockets("host", "tcp", {Open(40009, 109)});
  Scan();
  EXPECT_FALSE(Owner(40009));
  tree_.AddProcess({.pid = 32, .network_namespace = "host", .pod_uid = kPodB, .sockets = {109}});
  Time before = clock_.Now();
  Scan();
  EXPECT_EQ(sockets_.OwnerOfPort(40009, before), Uid(kPodB));
}

TEST_F(HostSocketsTest, PassesOverAProcessThatVanishes) {
  tree_.SetSockets("host", "tcp", {Open(40001, 101), Open(40003, 103)});
  std::filesystem::remove_all(tree_.Root() / "30/fd");
  Scan();
  EXPECT_FALSE(Owner(40001));
  EXPECT_EQ(Owner(40003), Uid(kPodB));
}

}  // namespace
}  // namespace network_mapper::sniffer
