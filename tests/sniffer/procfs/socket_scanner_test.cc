#include "sniffer/procfs/socket_scanner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sniffer/procfs/fake_proc_tree.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"

namespace network_mapper::sniffer {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr FakeSocket kToCart{.local = "10.88.0.2",
                             .local_port = 42000,
                             .remote = "10.96.0.10",
                             .remote_port = 80,
                             .inode = 1};
constexpr FakeSocket kListenAll{.local = "0.0.0.0", .local_port = 8080, .state = "0A", .inode = 2};
constexpr FakeSocket kListenAllV6{
    .local = "::", .local_port = 8080, .remote = "::", .state = "0A", .inode = 3};
constexpr FakeSocket kAccepted{.local = "10.88.0.2",
                               .local_port = 8080,
                               .remote = "10.88.0.7",
                               .remote_port = 51000,
                               .inode = 4};

class SocketScannerTest : public ::testing::Test {
 protected:
  SocketScannerTest() {
    tree_.AddProcess({.pid = 1, .network_namespace = "host"});
    tree_.SetSelf(1);
    tree_.AddNamespace("a", "10.88.0.2");
    tree_.AddProcess({.pid = 20, .network_namespace = "a", .pod_uid = kPodA});
  }

  SocketScanStatistics Scan() { return Scan(scanner_); }

  SocketScanStatistics Scan(SocketScanner& scanner) {
    auto snapshot = namespaces_.Scan();
    EXPECT_THAT(snapshot, IsOk());
    snapshot_ = *std::move(snapshot);
    return scanner.Scan(snapshot_);
  }

  // "address:port" of the servers that the namespace of the pod is connected to.
  std::vector<std::string> Servers() { return Servers(scanner_); }

  std::vector<std::string> Servers(const SocketScanner& scanner) {
    std::vector<std::string> servers;
    for (const NetworkNamespace& one : snapshot_.namespaces) {
      for (const ClientSocket& socket : scanner.SocketsOf(one.id).clients) {
        servers.push_back(
            fmt::format("{}:{}", socket.remote_address.ToString(), socket.remote_port));
      }
    }
    return servers;
  }

  FakeProcTree tree_;
  FakeClock clock_;
  ProcFs proc_fs_ = tree_.Open();
  NamespaceScanner namespaces_{
      proc_fs_, clock_, {.boot_time = clock_.Now() - std::chrono::hours(1)}};
  NamespaceSnapshot snapshot_;
  SocketScanner scanner_{proc_fs_, clock_};
};

// docs/regressions.md 1.1 socketscanner.go:56: the ephemeral port was stored as the destination's.
TEST_F(SocketScannerTest, KeepsTheServersPortAndTheClientsApart) {
  tree_.SetSockets("a", "tcp", {kToCart});
  Scan();
  ASSERT_EQ(snapshot_.namespaces.size(), 2U);
  for (const NetworkNamespace& one : snapshot_.namespaces) {
    if (one.is_host) {
      continue;
    }
    ASSERT_EQ(scanner_.SocketsOf(one.id).clients.size(), 1U);
    const ClientSocket& socket = scanner_.SocketsOf(one.id).clients[0];
    EXPECT_EQ(socket.local_address, Address("10.88.0.2"));
    EXPECT_EQ(socket.local_port, 42000);
    EXPECT_EQ(socket.remote_address, Address("10.96.0.10"));
    EXPECT_EQ(socket.remote_port, 80);
    EXPECT_EQ(socket.inode, 1U);
  }
}

// docs/regressions.md 1.1 socketscanner: "LISTEN rows come first" was assumed.
TEST_F(SocketScannerTest, TellsClientFromServerWhereverTheListenerStands) {
  tree_.SetSockets("a", "tcp", {kAccepted, kToCart, kListenAll});
  Scan();
  EXPECT_THAT(Servers(), ElementsAre("10.96.0.10:80"));
}

// docs/regressions.md 1.1 socketscanner
TEST_F(SocketScannerTest, FindsTheListenerInTheOtherFamilysTable) {
  tree_.SetSockets("a", "tcp", {kAccepted, kToCart});
  tree_.SetSockets("a", "tcp6", {kListenAllV6});
  Scan();
  EXPECT_THAT(Servers(), ElementsAre("10.96.0.10:80"));
  // And the mapped address of a dual-stack server, whose listener is in the table of IPv4.
  tree_.SetSockets("a", "tcp", {kListenAll});
  tree_.SetSockets("a", "tcp6", {kAccepted, kToCart});
  Scan();
  EXPECT_THAT(Servers(), ElementsAre("10.96.0.10:80"));
}

// docs/regressions.md P22
TEST_F(SocketScannerTest, ReadsIpv6) {
  tree_.SetSockets(
      "a", "tcp6",
      {{.local = "fd00:88::2", .local_port = 40000, .remote = "fd00:96::10", .remote_port = 443}});
  Scan();
  EXPECT_THAT(Servers(), ElementsAre("fd00:96::10:443"));
}

TEST_F(SocketScannerTest, LeavesOutLoopbackAndWhatIsNotEstablished) {
  FakeSocket opening = kToCart;
  opening.state = "02";
  FakeSocket closed = kToCart;
  closed.state = "06";
  FakeSocket local = kToCart;
  local.local = "127.0.0.1";
  local.remote = "127.0.0.1";
  tree_.SetSockets("a", "tcp", {opening, closed, local});
  tree_.SetSockets("a", "tcp6",
                   {{.local = "::1", .local_port = 5, .remote = "::1", .remote_port = 6}});
  EXPECT_EQ(Scan().tables_read, 2U);
  EXPECT_THAT(Servers(), IsEmpty());
}

TEST_F(SocketScannerTest, RemembersAListenerThatClosedWhileItsConnectionsDrain) {
  tree_.SetSockets("a", "tcp", {kListenAll, kAccepted});
  Scan();
  tree_.SetSockets("a", "tcp", {kAccepted});
  // However long it was not looked at before.
  clock_.Advance(std::chrono::minutes(30));
  Scan();
  EXPECT_THAT(Servers(), IsEmpty());
  clock_.Advance(std::chrono::minutes(5));
  Scan();
  EXPECT_THAT(Servers(), IsEmpty());
  clock_.Advance(std::chrono::minutes(6));
  tree_.SetSockets("a", "tcp", {kAccepted, kToCart});
  Scan();
  EXPECT_THAT(Servers(), UnorderedElementsAre("10.88.0.7:51000", "10.96.0.10:80"));
}

// docs/regressions.md P9 and 1.1 socketscanner: the same table was parsed once per process.
TEST_F(SocketScannerTest, ReadsANamespaceOnceHoweverManyProcessesItHas) {
  for (int32_t pid = 100; pid < 140; ++pid) {
    tree_.AddProcess({.pid = pid, .network_namespace = "a", .pod_uid = kPodA});
  }
  tree_.SetSockets("a", "tcp", {kToCart});
  SocketScanStatistics statistics = Scan();
  EXPECT_EQ(statistics.tables_read, 2U);  // the host's and the pod's
  EXPECT_THAT(Servers(), ElementsAre("10.96.0.10:80"));
}

TEST_F(SocketScannerTest, ReadsAgainOnlyWhenConnectionsChangedOrAfterAWhile) {
  tree_.SetSockets("a", "tcp", {kToCart});
  EXPECT_EQ(Scan().tables_read, 2U);
  SocketScanStatistics still = Scan();
  EXPECT_EQ(still.tables_read, 0U);
  EXPECT_EQ(still.unchanged, 2U);
  EXPECT_THAT(Servers(), ElementsAre("10.96.0.10:80"));
  tree_.SetCounters("a", 999);
  EXPECT_EQ(Scan().tables_read, 1U);
  clock_.Advance(std::chrono::minutes(5));
  EXPECT_EQ(Scan().tables_read, 2U);
}

TEST_F(SocketScannerTest, ReadsNoTableWhereNoConnectionWasOpenedOrNoneIsLeft) {
  tree_.SetSockets("a", "tcp", {kToCart, kAccepted});
  tree_.SetCounters("a", 0, 2);
  EXPECT_EQ(Scan().unchanged, 1U) << "a server's namespace";
  EXPECT_THAT(Servers(), IsEmpty());
  tree_.SetCounters("a", 1, 2);
  Scan();
  EXPECT_THAT(Servers(), UnorderedElementsAre("10.88.0.7:51000", "10.96.0.10:80"));
  tree_.SetCounters("a", 1, 0);
  EXPECT_EQ(Scan().tables_read, 0U);
  EXPECT_THAT(Servers(), IsEmpty());
}

TEST_F(SocketScannerTest, SaysWhenItLooked) {
  tree_.SetSockets("a", "tcp", {kToCart});
  Scan();
  clock_.Advance(std::chrono::seconds(7));
  Scan();
  for (const NetworkNamespace& one : snapshot_.namespaces) {
    EXPECT_EQ(scanner_.SocketsOf(one.id).seen_at, clock_.Now()) << "unchanged counters are a look";
  }
}

TEST_F(SocketScannerTest, ReadsAgainWhileAConnectionIsBeingOpened) {
  // The counter of openings moves with the SYN, the state a moment later.
  FakeSocket opening = kToCart;
  opening.state = "02";
  tree_.SetSockets("a", "tcp", {opening});
  tree_.SetCounters("a", 5);
  Scan();
  tree_.SetSockets("a", "tcp", {kToCart});
  tree_.SetCounters("a", 5);
  Scan();
  EXPECT_THAT(Servers(), ElementsAre("10.96.0.10:80"));
}

TEST_F(SocketScannerTest, ReadsEachTimeWhereTheKernelHasNoCounters) {
  tree_.SetNetFile("a", "snmp", "Ip: 1\n");
  Scan();
  EXPECT_EQ(Scan().tables_read, 1U);
}

TEST_F(SocketScannerTest, ReadsTheIpv6TableWhereItIsNotKnownHowManySocketsItHas) {
  tree_.SetSockets("a", "tcp6", {kToCart});
  tree_.SetNetFile("a", "sockstat6", "");
  Scan();
  EXPECT_THAT(Servers(), ElementsAre("10.96.0.10:80"));
}

TEST_F(SocketScannerTest, ReadsThroughTheNextProcessWhenOneIsGone) {
  tree_.AddProcess({.pid = 21, .network_namespace = "a", .pod_uid = kPodA, .start_ticks = 200});
  tree_.SetSockets("a", "tcp", {kToCart});
  tree_.RemoveFile(20, "net");
  EXPECT_EQ(Scan().unreadable, 0U);
  EXPECT_THAT(Servers(), ElementsAre("10.96.0.10:80"));
}

TEST_F(SocketScannerTest, CountsANamespaceWhoseProcessesVanished) {
  tree_.SetSockets("a", "tcp", {kToCart});
  Scan();
  // Between the scan of namespaces and the scan of sockets.
  tree_.EndProcess(20);
  clock_.Advance(std::chrono::minutes(1));
  SocketScanStatistics statistics = scanner_.Scan(snapshot_);
  EXPECT_EQ(statistics.unreadable, 1U);
  EXPECT_THAT(Servers(), IsEmpty());
}

TEST_F(SocketScannerTest, CountsMalformedLines) {
  tree_.SetNetFile("a", "tcp", "  sl\n 0: nonsense\n");
  EXPECT_EQ(Scan().malformed_lines, 1U);
}

// A look at a namespace takes 1.5 ms, or 3 ms when a table is read.
class SocketScannerBudgetTest : public SocketScannerTest {
 protected:
  SocketScannerBudgetTest() {
    for (int i = 0; i < 9; ++i) {
      std::string name = fmt::format("n{}", i);
      tree_.AddNamespace(name, fmt::format("10.88.1.{}", i + 1));
      tree_.AddProcess({.pid = 200 + i, .network_namespace = name});
    }
    ChangeEverywhere();
  }

  // A connection that was not there before, in each of nine namespaces.
  void ChangeEverywhere() {
    for (int i = 0; i < 9; ++i) {
      FakeSocket socket = kToCart;
      socket.local_port = ++port_;
      std::string address = fmt::format("10.88.1.{}", i + 1);
      socket.local = address;
      tree_.SetSockets(fmt::format("n{}", i), "tcp", {socket});
    }
  }

  uint64_t Looked(const SocketScanStatistics& statistics) {
    uint64_t looked = statistics.tables_read + statistics.unchanged;
    EXPECT_EQ(looked + statistics.postponed, 11U) << "the host, the pod and nine more";
    return looked;
  }

  TickingClock ticking_{std::chrono::microseconds(1500)};
  uint16_t port_ = 40000;
};

// docs/regressions.md P9: never a fixed limit that flickers edges (scope#814). And 1.1 RunForever:
// packets waited while /proc was read.
TEST_F(SocketScannerBudgetTest, PostponesWhatExceedsTheBudgetAndTakesItFirstNextTime) {
  SocketScanner scanner(proc_fs_, ticking_,
                        {.round_budget = std::chrono::milliseconds(9), .first_look_budgets = 1});
  std::vector<size_t> known;
  for (int round = 0; round < 6; ++round) {
    uint64_t looked = Looked(Scan(scanner));
    EXPECT_GT(looked, 0U);
    known.push_back(Servers(scanner).size());
  }
  EXPECT_LT(known.front(), 9U);
  EXPECT_EQ(known.back(), 9U) << "every namespace gets its turn, and what was seen stays";
}

TEST_F(SocketScannerBudgetTest, KeepsTheBudgetOnAverageWhenOneLookTakesLonger) {
  SocketScanner scanner(proc_fs_, ticking_, {.round_budget = std::chrono::milliseconds(1)});
  for (int round = 0; round < 10; ++round) {
    Scan(scanner);
  }
  uint64_t looked = 0;
  for (int round = 0; round < 60; ++round) {
    ChangeEverywhere();
    looked += Looked(Scan(scanner));
  }
  EXPECT_GE(looked, 20U);
  EXPECT_LE(looked, 41U) << "60 ms, of which a look takes 1.5 or 3";
}

TEST_F(SocketScannerBudgetTest, LooksSoonerAtNamespacesThatItHasNotLookedAt) {
  SocketScanner scanner(proc_fs_, ticking_,
                        {.round_budget = std::chrono::milliseconds(2), .first_look_budgets = 20});
  EXPECT_EQ(Looked(Scan(scanner)), 11U);
  ChangeEverywhere();
  EXPECT_LE(Looked(Scan(scanner)), 2U);
}

TEST_F(SocketScannerTest, KnowsNothingOfANamespaceThatGotTheNumberOfAnother) {
  tree_.SetSockets("a", "tcp", {kToCart});
  Scan();
  tree_.EndProcess(20);
  tree_.AddProcess({.pid = 21, .network_namespace = "a", .pod_uid = kPodB});
  // As many connections as in the other.
  tree_.SetNetFile("a", "tcp", "");
  EXPECT_EQ(Scan().tables_read, 1U);
  EXPECT_THAT(Servers(), IsEmpty());
}

TEST_F(SocketScannerTest, ForgetsANamespaceThatIsGone) {
  tree_.SetSockets("a", "tcp", {kToCart});
  Scan();
  std::vector<NetworkNamespace> before = snapshot_.namespaces;
  tree_.EndProcess(20);
  Scan();
  for (const NetworkNamespace& one : before) {
    EXPECT_THAT(scanner_.SocketsOf(one.id).clients, IsEmpty());
  }
}

}  // namespace
}  // namespace network_mapper::sniffer
