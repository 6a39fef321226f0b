#include "sniffer/app/attributor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sniffer/procfs/fake_proc_tree.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"

namespace network_mapper::sniffer {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class AttributorTest : public ::testing::Test {
 protected:
  AttributorTest() {
    tree_.AddProcess({.pid = 1, .network_namespace = "host", .sockets = {100}});
    tree_.SetSelf(1);
    tree_.AddNamespace("a", "10.88.0.2");
    tree_.AddNamespace("b", "10.88.0.3");
    tree_.AddProcess({.pid = 20, .network_namespace = "a", .pod_uid = kPodA});
    tree_.AddProcess({.pid = 30, .network_namespace = "host", .pod_uid = kPodB, .sockets = {101}});
  }

  // A second later, as the loop does at a report.
  void Scan() {
    clock_.Advance(std::chrono::seconds(1));
    ASSERT_THAT(attributor_.ScanNamespaces(), IsOk());
    attributor_.ScanHostSockets();
  }

  AggregatedObservation Syn(std::string_view client, Time first, Time last,
                            std::vector<uint16_t> ports = {}) {
    AggregatedObservation syn;
    syn.observation.collector = Collector::kTcpSyn;
    syn.observation.first_seen = first;
    syn.observation.last_seen = last;
    syn.observation.client.ip = Address(client);
    syn.observation.target = AddressTarget{.address = Address("10.96.0.10"), .port = 80};
    syn.client_ports = std::move(ports);
    return syn;
  }

  std::optional<PodUid> OwnerOf(const AggregatedObservation& seen) {
    return attributor_.Attribute({seen}).at(0).client.pod_uid;
  }

  static FakeSocket Open(std::string_view local, uint16_t port, uint64_t inode = 0) {
    return {.local = local,
            .local_port = port,
            .remote = "10.96.0.10",
            .remote_port = 80,
            .inode = inode};
  }

  static uint16_t Port(const Observation& observation) {
    return std::get<AddressTarget>(observation.target).port.value();
  }

  FakeProcTree tree_;
  FakeClock clock_;
  MetricsRegistry metrics_;
  ProcFs proc_fs_ = tree_.Open();
  Attributor attributor_{proc_fs_,
                         clock_,
                         metrics_,
                         {.socket_refresh_interval = std::chrono::seconds(30),
                          .max_known_sockets = 3,
                          .namespaces = {.boot_time = clock_.Now() - std::chrono::hours(1)}}};
};

TEST_F(AttributorTest, NamesThePodThatHadTheAddress) {
  Scan();
  Scan();
  Time seen = clock_.Now();
  EXPECT_EQ(OwnerOf(Syn("10.88.0.2", seen, seen)), Uid(kPodA));
  EXPECT_FALSE(OwnerOf(Syn("10.99.0.9", seen, seen)));
  EXPECT_FALSE(OwnerOf(Syn("10.88.0.2", seen, seen + std::chrono::seconds(1))))
      << "after the last scan nothing is certain";
  EXPECT_THAT(metrics_.RenderText(), HasSubstr("{result=\"pod\"} 1"));
  EXPECT_THAT(metrics_.RenderText(), HasSubstr("{result=\"address_only\"} 2"));
}

// docs/regressions.md P5
TEST_F(AttributorTest, WantsOneOwnerFromTheFirstSightingToTheLast) {
  Scan();
  Time before = clock_.Now() - std::chrono::milliseconds(10);
  tree_.EndProcess(20);
  tree_.SetAddresses("b", {"10.88.0.2"});
  tree_.AddProcess({.pid = 21, .network_namespace = "b", .pod_uid = kPodB});
  Scan();
  Time after = clock_.Now();
  EXPECT_EQ(OwnerOf(Syn("10.88.0.2", before, before)), Uid(kPodA));
  EXPECT_EQ(OwnerOf(Syn("10.88.0.2", after, after)), Uid(kPodB));
  EXPECT_FALSE(OwnerOf(Syn("10.88.0.2", before, after)));
}

// docs/regressions.md P6
TEST_F(AttributorTest, TellsTheOwnersOfTheNodesAddressApartByTheirSockets) {
  tree_.SetSockets("host", "tcp",
                   {Open("192.168.0.1", 40000, 100), Open("192.168.0.1", 40001, 101)});
  Scan();
  Time seen = clock_.Now();
  EXPECT_EQ(OwnerOf(Syn("192.168.0.1", seen, seen, {40001})), Uid(kPodB));
  EXPECT_FALSE(OwnerOf(Syn("192.168.0.1", seen, seen, {40000}))) << "a process of the node";
  EXPECT_FALSE(OwnerOf(Syn("192.168.0.1", seen, seen, {40001, 40000}))) << "both";
  EXPECT_FALSE(OwnerOf(Syn("192.168.0.1", seen, seen))) << "no port is known";
  EXPECT_FALSE(OwnerOf(Syn("192.168.0.1", seen, seen, {50000}))) << "no socket is known";
}

// docs/regressions.md 1.1 socketscanner
TEST_F(AttributorTest, ReportsConnectionsWithTheServersPortAndSumsThemUp) {
  tree_.SetSockets("a", "tcp", {Open("10.88.0.2", 42000), Open("10.88.0.2", 42001)});
  Scan();
  std::vector<Observation> seen = attributor_.ScanSockets();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].collector, Collector::kSocketScan);
  EXPECT_EQ(seen[0].count, 2U);
  EXPECT_EQ(seen[0].client.ip, Address("10.88.0.2"));
  EXPECT_EQ(seen[0].client.pod_uid, Uid(kPodA));
  EXPECT_EQ(std::get<AddressTarget>(seen[0].target).address, Address("10.96.0.10"));
  EXPECT_EQ(Port(seen[0]), 80);
}

TEST_F(AttributorTest, CountsAConnectionOnceAndThenOnlySaysThatItIsStillThere) {
  tree_.SetSockets("a", "tcp", {Open("10.88.0.2", 42000)});
  Scan();
  EXPECT_EQ(attributor_.ScanSockets().size(), 1U);
  for (int second = 0; second < 29; ++second) {
    Scan();
    EXPECT_THAT(attributor_.ScanSockets(), IsEmpty()) << second;
  }
  Scan();
  std::vector<Observation> refresh = attributor_.ScanSockets();
  ASSERT_EQ(refresh.size(), 1U);
  EXPECT_EQ(refresh[0].count, 0U);
  Scan();
  EXPECT_THAT(attributor_.ScanSockets(), IsEmpty());
}

TEST_F(AttributorTest, CountsAConnectionThatIsOpenedAgain) {
  tree_.SetSockets("a", "tcp", {Open("10.88.0.2", 42000)});
  Scan();
  EXPECT_EQ(attributor_.ScanSockets().size(), 1U);
  tree_.SetSockets("a", "tcp", {});
  Scan();
  EXPECT_THAT(attributor_.ScanSockets(), IsEmpty());
  tree_.SetSockets("a", "tcp", {Open("10.88.0.2", 42000)});
  Scan();
  std::vector<Observation> again = attributor_.ScanSockets();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].count, 1U);
}

TEST_F(AttributorTest, CountsWhatExceedsTheKnownSocketsAndMakesRoomWhenOthersClose) {
  std::vector<FakeSocket> sockets;
  for (uint16_t port = 42000; port < 42005; ++port) {
    sockets.push_back(Open("10.88.0.2", port));
  }
  tree_.SetSockets("a", "tcp", sockets);
  Scan();
  std::vector<Observation> seen = attributor_.ScanSockets();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].count, 3U);
  EXPECT_THAT(metrics_.RenderText(),
              HasSubstr("network_mapper_sniffer_sockets_beyond_limit_total 2"));
  sockets.erase(sockets.begin(), sockets.begin() + 3);
  tree_.SetSockets("a", "tcp", sockets);
  Scan();
  attributor_.ScanSockets();
  Scan();
  seen = attributor_.ScanSockets();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].count, 2U);
}

TEST_F(AttributorTest, GivesAConnectionOfTheNodeToThePodThatHoldsItsSocket) {
  tree_.SetSockets("host", "tcp",
                   {Open("192.168.0.1", 40000, 100), Open("192.168.0.1", 40001, 101)});
  Scan();
  std::vector<Observation> seen = attributor_.ScanSockets();
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_FALSE(seen[0].client.pod_uid);
  EXPECT_EQ(seen[1].client.pod_uid, Uid(kPodB));
}

TEST_F(AttributorTest, RemembersWhoHeldASocketThatTheHostNoLongerHas) {
  tree_.SetSockets("host", "tcp", {Open("192.168.0.1", 40001, 101)});
  Scan();
  ASSERT_EQ(attributor_.ScanSockets().size(), 1U);
  // It closes, which the counters of the host's namespace do not say yet.
  tree_.CloseSocket(30, 101);
  clock_.Advance(std::chrono::seconds(29));
  Scan();
  std::vector<Observation> refresh = attributor_.ScanSockets();
  ASSERT_EQ(refresh.size(), 1U);
  EXPECT_EQ(refresh[0].client.pod_uid, Uid(kPodB));
}

TEST_F(AttributorTest, SaysWhenAConnectionWasSeen) {
  tree_.SetSockets("a", "tcp", {Open("10.88.0.2", 42000)});
  Scan();
  Time looked = clock_.Now();
  std::vector<Observation> seen = attributor_.ScanSockets();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].first_seen, looked);
  EXPECT_EQ(seen[0].last_seen, looked);
}

TEST_F(AttributorTest, ShowsWhatItFoundInItsMetrics) {
  tree_.AddProcess({.pid = 21, .network_namespace = "a", .pod_uid = kPodB});
  tree_.SetNetFile("a", "tcp", "  sl\nnonsense\n");
  Scan();
  attributor_.ScanSockets();
  std::string text = metrics_.RenderText();
  EXPECT_THAT(text, HasSubstr("network_mapper_sniffer_network_namespaces 2"));
  EXPECT_THAT(text, HasSubstr("network_mapper_sniffer_processes 4"));
  EXPECT_THAT(text, HasSubstr("network_mapper_sniffer_network_namespaces_conflicting 1"));
  EXPECT_THAT(text, HasSubstr("network_mapper_sniffer_socket_lines_malformed_total 1"));
  EXPECT_THAT(text, HasSubstr("network_mapper_sniffer_socket_tables_total{result=\"read\"} 2"));
}

}  // namespace
}  // namespace network_mapper::sniffer
