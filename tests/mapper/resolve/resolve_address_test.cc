#include "tests/mapper/resolve/resolve_fixture.h"

namespace network_mapper {
namespace {

using ResolveTcp = ResolveFixture;
using ResolveSocketScan = ResolveFixture;

TEST_F(ResolveTcp, H4TriesTheServiceBeforeThePod) {
  EXPECT_EQ(Resolve(Tcp("10.96.0.2", 5432)), "shop/web -> shop/db via db");
  EXPECT_EQ(Only().port, (PortSeen{5432, Protocol::kTcp}));
  EXPECT_EQ(Only().resolution, Resolution::kTcp);
  EXPECT_EQ(Resolve(Tcp("10.0.0.2", 5432)), "shop/web -> shop/db");
  EXPECT_EQ(*Only().sample.server_pod, "db-1");
}

// docs/regressions.md P1
TEST_F(ResolveTcp, P1AnUnansweredSynIsAnAttemptAndAnAnsweredOneAConnection) {
  Observation observation = Tcp("10.0.0.2");
  EXPECT_EQ(Resolve(observation), "shop/web -> shop/db");
  EXPECT_EQ(Only().strength, Strength::kAttempted);
  std::get<AddressTarget>(observation.target).answered = 1;
  observation.count = 0;
  EXPECT_EQ(Resolve(observation), "shop/web -> shop/db");
  EXPECT_EQ(Only().strength, Strength::kConnected);
  EXPECT_EQ(Only().answered, 1U);
  EXPECT_EQ(Only().count, 0U);
}

// docs/regressions.md 1.1 resolver, P4
TEST_F(ResolveTcp, H5DoesNotAskAServerToHaveLivedFiveMinutes) {
  PodFacts young;
  young.name = "young-1";
  young.name_space = "shop";
  young.created = At(9);
  young.workload = Make("shop", "young");
  inventory_.AddPod(young, {"10.0.0.20"}, At(9));
  Observation observation = Tcp("10.0.0.20");
  observation.last_seen = At(10);
  EXPECT_EQ(Resolve(observation), "shop/web -> shop/young");
}

// docs/regressions.md 1.1 kubefinder (pods[0])
TEST_F(ResolveTcp, B6ASynToAServiceOfSeveralWorkloadsGoesToAllAndIsMarked) {
  inventory_.AddService("shop", "api", "10.96.0.3", {Make("shop", "blue"), Make("shop", "green")});
  EXPECT_EQ(Resolve(Tcp("10.96.0.3")),
            "shop/web -> shop/blue via api, shop/web -> shop/green via api");
  EXPECT_TRUE(sightings_[0].shared && sightings_[1].shared);
}

TEST_F(ResolveTcp, P2KeepsSelfCalls) {
  EXPECT_EQ(Resolve(Tcp("10.0.0.1")), "shop/web -> shop/web");
}

TEST_F(ResolveTcp, E2FindsTheApiServerByClusterIpAndByEndpoint) {
  inventory_.AddControlPlane("10.96.0.1", 443);
  inventory_.AddControlPlane("172.16.0.2", 6443);
  EXPECT_EQ(Resolve(Tcp("10.96.0.1", 443)), "shop/web -> default/kubernetes via kubernetes");
  EXPECT_EQ(Resolve(Tcp("172.16.0.2", 6443)), "shop/web -> default/kubernetes via kubernetes");
  EXPECT_EQ(Resolve(Tcp("172.16.0.2", std::nullopt)),
            "shop/web -> default/kubernetes via kubernetes");
}

TEST_F(ResolveTcp, E2ANodeOfTheControlPlaneIsTheApiServerAtItsPortOnly) {
  inventory_.AddNode("172.16.0.2");
  inventory_.AddControlPlane("172.16.0.2", 6443);
  EXPECT_EQ(Resolve(Tcp("172.16.0.2", 6443)), "shop/web -> default/kubernetes via kubernetes");
  EXPECT_EQ(Resolve(Tcp("172.16.0.2", 10250)), "refused: host_network_server");
  EXPECT_EQ(Resolve(Tcp("172.16.0.2", std::nullopt)), "refused: host_network_server");
}

TEST_F(ResolveTcp, B6TheKubernetesServiceIsTheApiServerWhateverItsPort) {
  inventory_.AddService("default", "kubernetes", "10.96.0.1", {Make("kube-system", "apiserver")});
  EXPECT_EQ(Resolve(Tcp("10.96.0.1", 6443)), "shop/web -> default/kubernetes via kubernetes");
}

TEST_F(ResolveTcp, H6ResolvesNodePorts) {
  inventory_.AddNode("192.168.0.10");
  const auto& service =
      inventory_.AddService("shop", "front", "10.96.0.8", {Make("shop", "front")});
  inventory_.AddNodePort(30080, service);
  EXPECT_EQ(Resolve(Tcp("192.168.0.10", 30080)), "shop/web -> shop/front via front");
  EXPECT_EQ(Only().port, (PortSeen{30080, Protocol::kTcp}));
}

// docs/regressions.md P6
TEST_F(ResolveTcp, P6FindsTheOnlyHostNetworkPodThatExposesThePort) {
  inventory_.AddNode("192.168.0.10");
  const PodFactsPtr agent = inventory_.AddSimplePod("ops", "agent-1", "agent", "10.0.0.30");
  inventory_.AddHostNetworkPod("192.168.0.10", 9100, agent);
  EXPECT_EQ(Resolve(Tcp("192.168.0.10", 9100)), "shop/web -> ops/agent");
  EXPECT_EQ(Resolve(Tcp("192.168.0.10", 22)), "refused: host_network_server");
  inventory_.AddHostNetworkPod("192.168.0.10", 9100, inventory_.PodByName("shop", "db-1"));
  EXPECT_EQ(Resolve(Tcp("192.168.0.10", 9100)), "refused: ambiguous_server");
}

TEST_F(ResolveTcp, FindsThePodBehindAPortOfItsNode) {
  inventory_.AddNode("192.168.0.10");
  const PodFactsPtr edge = inventory_.AddSimplePod("ops", "edge-1", "edge", "10.0.0.30");
  inventory_.AddHostPort("192.168.0.10", 8080, edge, At(10));
  Observation observation = Tcp("192.168.0.10", 8080);
  EXPECT_EQ(Resolve(observation), "refused: host_network_server");
  observation.last_seen = At(10);
  EXPECT_EQ(Resolve(observation), "shop/web -> ops/edge");
  EXPECT_EQ(*Only().sample.server_pod, "edge-1");
  EXPECT_EQ(Only().port, (PortSeen{8080, Protocol::kTcp}));
  std::get<AddressTarget>(observation.target).protocol = Protocol::kUdp;
  EXPECT_EQ(Resolve(observation), "refused: host_network_server");
  Observation without_port = Tcp("192.168.0.10", std::nullopt);
  without_port.last_seen = At(10);
  EXPECT_EQ(Resolve(without_port), "refused: host_network_server");
}

TEST_F(ResolveTcp, APodBehindAPortOfANodeMayWaitForItsOwner) {
  inventory_.AddNode("192.168.0.10");
  PodFacts young;
  young.name = "edge-2";
  young.workload = Make("ops", "edge-abc");
  young.owner_pending = true;
  inventory_.AddHostPort("192.168.0.10", 8080, inventory_.AddPod(young));
  EXPECT_EQ(Resolve(Tcp("192.168.0.10", 8080)), "hold: server_owner_pending");
}

TEST_F(ResolveTcp, ANodePortIsTriedBeforeAHostPortAsKubeProxyDoes) {
  inventory_.AddNode("192.168.0.10");
  inventory_.AddNodePort(
      30080, inventory_.AddService("shop", "front", "10.96.0.8", {Make("shop", "front")}));
  inventory_.AddHostPort("192.168.0.10", 30080, inventory_.PodByName("shop", "db-1"));
  EXPECT_EQ(Resolve(Tcp("192.168.0.10", 30080)), "shop/web -> shop/front via front");
}

TEST_F(ResolveTcp, ANodePortOfTheOtherProtocolIsNone) {
  inventory_.AddNode("192.168.0.10");
  inventory_.AddNodePort(30080,
                         inventory_.AddService("shop", "game", "10.96.0.8", {Make("shop", "game")}),
                         Protocol::kUdp);
  EXPECT_EQ(Resolve(Tcp("192.168.0.10", 30080)), "refused: host_network_server");
  inventory_.AddHostPort("192.168.0.10", 30080, inventory_.PodByName("shop", "db-1"));
  EXPECT_EQ(Resolve(Tcp("192.168.0.10", 30080)), "shop/web -> shop/db");
  Observation datagram = Tcp("192.168.0.10", 30080);
  std::get<AddressTarget>(datagram.target).protocol = Protocol::kUdp;
  EXPECT_EQ(Resolve(datagram), "shop/web -> shop/game via game");
}

TEST_F(ResolveTcp, AHostIpNeedNotBeAnAddressThatKubernetesKnows) {
  inventory_.AddHostPort("203.0.113.9", 8080, inventory_.PodByName("shop", "db-1"));
  EXPECT_EQ(Resolve(Tcp("203.0.113.9", 8080)), "shop/web -> shop/db");
  EXPECT_EQ(Resolve(Tcp("203.0.113.9", 8081)), "refused: external_address");
}

TEST_F(ResolveTcp, RefusesWhatIsOutsideAtOnceAndHoldsWhatMayBeAYoungPod) {
  EXPECT_EQ(Resolve(Tcp("203.0.113.7", 443)), "refused: external_address");
  EXPECT_EQ(Resolve(Tcp("10.0.0.99", 443)), "hold: external_address");
  EXPECT_EQ(Resolve(Tcp("fd00::99", 443)), "hold: external_address");
  EXPECT_EQ(Resolve(Tcp("100.64.0.9", 443)), "hold: external_address");
  EXPECT_EQ(Resolve(Tcp("172.32.0.1", 443)), "refused: external_address");
  EXPECT_EQ(Resolve(Tcp("10.0.0.99", 443), Patience::kLastChance), "refused: external_address");
}

TEST_F(ResolveTcp, HoldsANeighbourInAClusterWithPublicPodAddresses) {
  inventory_.AddSimplePod("shop", "six-1", "six", "2001:db8:1:1::1");
  EXPECT_EQ(Resolve(Tcp("2001:db8:1:2::9", 80, "2001:db8:1:1::1")), "hold: external_address");
  EXPECT_EQ(Resolve(Tcp("2001:db8:2::9", 80, "2001:db8:1:1::1")), "refused: external_address");
}

TEST_F(ResolveTcp, RefusesAddressesThatLeadNowhere) {
  for (const char* address : {"127.0.0.1", "::1", "0.0.0.0", "::", "169.254.169.254", "fe80::1",
                              "224.0.0.1", "ff02::1"}) {
    EXPECT_EQ(Resolve(Tcp(address)), "refused: local_address") << address;
  }
}

// docs/regressions.md P5
TEST_F(ResolveTcp, TwoHoldersOfTheServersAddressAreHeldThenRefused) {
  inventory_.AddSimplePod("shop", "twin-1", "twin", "10.0.0.2");
  EXPECT_EQ(Resolve(Tcp("10.0.0.2")), "hold: ambiguous_server");
  EXPECT_EQ(Resolve(Tcp("10.0.0.2"), Patience::kLastChance), "refused: ambiguous_server");
}

// docs/regressions.md P19
TEST_F(ResolveTcp, P1ExcludedNamespacesHideBothEnds) {
  inventory_.AddSimplePod("mesh", "proxy-1", "proxy", "10.0.0.40");
  inventory_.AddService("shop", "mixed", "10.96.0.9", {Make("mesh", "proxy"), Make("shop", "db")});
  options_.excluded_namespaces = {"istio-system", "mesh"};
  EXPECT_EQ(Resolve(Tcp("10.0.0.40")), "refused: excluded_namespace");
  EXPECT_EQ(Resolve(Tcp("10.0.0.2", 80, "10.0.0.40")), "refused: excluded_namespace");
  EXPECT_EQ(Resolve(Tcp("10.96.0.9")), "shop/web -> shop/db via mixed");
  EXPECT_TRUE(Only().shared);
}

TEST_F(ResolveTcp, A8DiscardsDisabledCollectors) {
  options_.tcp_enabled = false;
  EXPECT_EQ(Resolve(Tcp("10.0.0.2")), "refused: collector_disabled");
  EXPECT_EQ(Resolve(Socket("10.0.0.2")), "shop/web -> shop/db");
  options_.socket_scan_enabled = false;
  EXPECT_EQ(Resolve(Socket("10.0.0.2")), "refused: collector_disabled");
  options_.dns_enabled = false;
  EXPECT_EQ(Resolve(Dns("db.shop.svc.cluster.local")), "refused: collector_disabled");
}

TEST_F(ResolveTcp, ATargetOfAnotherCollectorIsMalformed) {
  Observation observation = Tcp("10.0.0.2");
  for (Collector collector :
       {Collector::kDns, Collector::kKafka, Collector::kIstio, Collector::kAws}) {
    observation.collector = collector;
    EXPECT_EQ(Resolve(observation), "refused: malformed");
  }
  observation = Dns("db.shop.svc.cluster.local");
  observation.collector = Collector::kTcpSyn;
  EXPECT_EQ(Resolve(observation), "refused: malformed");
}

TEST_F(ResolveSocketScan, I1AndI2SayHowTheyFoundTheServer) {
  EXPECT_EQ(Resolve(Socket("10.96.0.2")), "shop/web -> shop/db via db");
  EXPECT_EQ(Only().resolution, Resolution::kSocketScanService);
  EXPECT_EQ(Only().strength, Strength::kConnected);
  EXPECT_EQ(Resolve(Socket("10.0.0.2")), "shop/web -> shop/db");
  EXPECT_EQ(Only().resolution, Resolution::kSocketScanPod);
}

TEST_F(ResolveSocketScan, I3RefusesWhatIsOutside) {
  EXPECT_EQ(Resolve(Socket("203.0.113.7")), "refused: external_address");
}

}  // namespace
}  // namespace network_mapper
