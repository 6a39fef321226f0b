#include "tests/mapper/resolve/resolve_fixture.h"

namespace network_mapper {
namespace {

using ResolveClient = ResolveFixture;

TEST_F(ResolveClient, F3FindsThePodByAddress) {
  EXPECT_EQ(Resolve(Tcp("10.0.0.2")), "shop/web -> shop/db");
  EXPECT_EQ(*Only().sample.client_pod, "web-1");
}

// docs/regressions.md P5
TEST_F(ResolveClient, PodUidWinsOverTheAddress) {
  inventory_.AddSimplePod("shop", "batch-1", "batch", "10.0.0.9");
  EXPECT_EQ(Resolve(WithUid(Tcp("10.0.0.2", 80, "10.0.0.1"), "batch-1")), "shop/batch -> shop/db");
}

// docs/regressions.md P6
TEST_F(ResolveClient, P6FindsAHostNetworkPodByUid) {
  inventory_.AddNode("192.168.0.10");
  PodFacts agent;
  agent.name = "agent-1";
  agent.name_space = "kube-system";
  agent.uid = FakeInventoryView::UidOf("agent-1");
  agent.host_network = true;
  agent.workload = Make("kube-system", "agent");
  inventory_.AddPod(agent);
  EXPECT_EQ(Resolve(WithUid(Tcp("10.0.0.2", 80, "192.168.0.10"), "agent-1")),
            "kube-system/agent -> shop/db");
}

// docs/regressions.md P6
TEST_F(ResolveClient, ANodeAddressWithoutUidIsRefusedAndNotGuessed) {
  inventory_.AddNode("192.168.0.10");
  EXPECT_EQ(Resolve(Tcp("10.0.0.2", 80, "192.168.0.10")), "refused: host_network_client");
}

// A packet between two nodes is seen on both.
TEST_F(ResolveClient, ACallCountsOnTheNodeOfItsClient) {
  PodFacts facts;
  facts.name = "far-1";
  facts.name_space = "shop";
  facts.node = std::make_shared<const std::string>("node-1");
  facts.workload = Make("shop", "far");
  inventory_.AddPod(facts, {"10.0.0.8"});
  Observation observation = Tcp("10.0.0.2", 5432, "10.0.0.8");
  observation.count = 3;
  std::get<AddressTarget>(observation.target).answered = 2;
  const SteadyTime start{};
  ReportingNodes nodes(start);
  const auto count_from = [&](const std::string& node, std::chrono::minutes after) {
    reporter_ = {.node_name = node, .is_proven = true, .nodes = &nodes, .now = start + after};
    EXPECT_EQ(Resolve(observation), "shop/far -> shop/db");
    return Only().count;
  };
  constexpr std::chrono::minutes kSoon{1};
  constexpr std::chrono::minutes kLate{20};
  EXPECT_EQ(count_from("node-1", kSoon), 3U);
  EXPECT_EQ(Only().answered, 2U);
  EXPECT_EQ(Only().port->number, 5432);

  EXPECT_EQ(count_from("node-2", kSoon), 0U) << "node-1 may have a collector";
  EXPECT_EQ(Only().answered, 0U);
  EXPECT_EQ(Only().port, std::nullopt) << "it may be translated there";
  EXPECT_EQ(Only().strength, Strength::kConnected);

  EXPECT_EQ(count_from("node-2", kLate), 3U) << "node-1 has none, or it is gone";
  nodes.Hear("node-1", start + kLate);
  EXPECT_EQ(count_from("node-2", kLate), 0U);
  EXPECT_EQ(count_from("", kLate), 3U) << "collectors that do not say where they are";
}

// docs/regressions.md P5
TEST_F(ResolveClient, P5AttributesAReusedAddressByTheTimeOfTheObservation) {
  PodFacts before;
  before.name = "old-1";
  before.name_space = "shop";
  before.workload = Make("shop", "old");
  PodFacts after = before;
  after.name = "new-1";
  after.workload = Make("shop", "new");
  inventory_.AddPod(before, {"10.0.0.7"}, At(0), At(100));
  inventory_.AddPod(after, {"10.0.0.7"}, At(110), Time::max());
  Observation observation = Tcp("10.0.0.2", 80, "10.0.0.7");
  observation.last_seen = At(50);
  EXPECT_EQ(Resolve(observation), "shop/old -> shop/db");
  observation.last_seen = At(120);
  EXPECT_EQ(Resolve(observation), "shop/new -> shop/db");
  observation.last_seen = At(105);
  EXPECT_EQ(Resolve(observation), "hold: unknown_client");
}

// docs/regressions.md P5
TEST_F(ResolveClient, TwoHoldersOfAnAddressAreHeldThenRefusedAsAmbiguous) {
  inventory_.AddSimplePod("shop", "twin-1", "twin", "10.0.0.1");
  EXPECT_EQ(Resolve(Tcp("10.0.0.2")), "hold: ambiguous_client");
  EXPECT_EQ(Resolve(Tcp("10.0.0.2"), Patience::kLastChance), "refused: ambiguous_client");
}

// docs/regressions.md P4
TEST_F(ResolveClient, P4HoldsAYoungPodInsteadOfLosingIt) {
  EXPECT_EQ(Resolve(Tcp("10.0.0.2", 80, "10.0.0.77")), "hold: unknown_client");
  EXPECT_EQ(Resolve(WithUid(Tcp("10.0.0.2"), "unborn")), "hold: unknown_client");
  EXPECT_EQ(Resolve(Tcp("10.0.0.2", 80, "10.0.0.77"), Patience::kLastChance),
            "refused: unknown_client");
}

TEST_F(ResolveClient, AnAddressFromOutsideIsNotWorthTheWait) {
  EXPECT_EQ(Resolve(Tcp("10.0.0.2", 80, "203.0.113.5")), "refused: unknown_client");
}

TEST_F(ResolveClient, F4ComparesTheHostNameOnlyWhenThereIsOne) {
  Observation observation = Socket("10.0.0.2");
  observation.client.hostname = "web-1";
  EXPECT_EQ(Resolve(observation), "shop/web -> shop/db");
  observation.client.hostname = "web-2";
  EXPECT_EQ(Resolve(observation), "refused: hostname_mismatch");
  EXPECT_EQ(Resolve(WithUid(observation, "web-1")), "shop/web -> shop/db");
}

TEST_F(ResolveClient, F4KnowsThatTheKubeletCutsLongHostNames) {
  const std::string name = std::string(62, 'x') + "-7d4b9c-abcde";
  inventory_.AddSimplePod("shop", name, "long", "10.0.0.8");
  Observation observation = Socket("10.0.0.2", "10.0.0.8");
  observation.client.hostname = std::string(62, 'x');
  EXPECT_EQ(Resolve(observation), "shop/long -> shop/db");
  observation.client.hostname = std::string(61, 'x');
  EXPECT_EQ(Resolve(observation), "refused: hostname_mismatch");
}

TEST_F(ResolveClient, F2TakesTheApiServerUnlessANodeHasTheAddress) {
  inventory_.AddControlPlane("172.16.0.2", 443);
  EXPECT_EQ(Resolve(Tcp("10.0.0.2", 80, "172.16.0.2")), "default/kubernetes -> shop/db");
  EXPECT_EQ(Only().client.labels, nullptr);
  EXPECT_FALSE(Only().client.identity->owner_kind.has_value());
  inventory_.AddNode("172.16.0.2");
  EXPECT_EQ(Resolve(Tcp("10.0.0.2", 80, "172.16.0.2")), "refused: host_network_client");
}

TEST_F(ResolveClient, F2RefusesTheApiServersAddressWhenAHostNetworkPodHasIt) {
  inventory_.AddControlPlane("172.16.0.2", 443);
  inventory_.AddHostNetworkPod("172.16.0.2", 6443, inventory_.PodByName("shop", "web-1"));
  EXPECT_EQ(Resolve(Tcp("10.0.0.2", 80, "172.16.0.2")), "refused: host_network_client");
}

TEST_F(ResolveClient, D3HoldsWhileTheOwnerIsBeingRead) {
  PodFacts facts;
  facts.name = "new-1";
  facts.name_space = "shop";
  facts.uid = FakeInventoryView::UidOf("new-1");
  facts.owner_pending = true;
  facts.workload = Make("shop", "new-1");
  inventory_.AddPod(facts, {"10.0.0.5"});
  EXPECT_EQ(Resolve(Tcp("10.0.0.2", 80, "10.0.0.5")), "hold: client_owner_pending");
  EXPECT_EQ(Resolve(WithUid(Tcp("10.0.0.2"), "new-1")), "hold: client_owner_pending");
  EXPECT_EQ(Resolve(WithUid(Tcp("10.0.0.2"), "new-1"), Patience::kLastChance),
            "refused: client_owner_pending");
}

TEST_F(ResolveClient, P16ACollectorNamesPodsOfItsOwnNodeOnly) {
  inventory_.AddSimplePod("shop", "near-1", "near", "10.0.1.1", "node-1");
  inventory_.AddSimplePod("shop", "far-1", "far", "10.0.2.1", "node-2");
  PodFacts facts;
  facts.name = "agent-1";
  facts.name_space = "kube-system";
  facts.uid = FakeInventoryView::UidOf("agent-1");
  facts.host_network = true;
  facts.node = std::make_shared<const std::string>("node-2");
  facts.workload = Make("kube-system", "agent");
  inventory_.AddPod(facts);
  reporter_ = {.node_name = "node-1", .is_proven = true, .nodes = nullptr, .now = {}};
  EXPECT_EQ(Resolve(WithUid(Tcp("10.0.0.2", 80, "10.0.1.1"), "near-1")), "shop/near -> shop/db");
  EXPECT_EQ(Resolve(WithUid(Tcp("10.0.0.2", 80, "10.0.2.1"), "far-1")), "refused: foreign_node");
  EXPECT_EQ(Resolve(WithUid(Dns("db.shop.svc.cluster.local", "10.0.2.1"), "far-1")),
            "refused: foreign_node");
  EXPECT_EQ(Resolve(WithUid(Tcp("10.0.0.2", 80, "192.168.0.2"), "agent-1")),
            "refused: foreign_node");
  // Sockets are the node's own, whether or not a UID is known.
  EXPECT_EQ(Resolve(Socket("10.0.0.2", "10.0.2.1")), "refused: foreign_node");
  EXPECT_EQ(Resolve(Socket("10.0.0.2", "10.0.1.1")), "shop/near -> shop/db");
  // Packets of another node's pod arrive at the server's node under that pod's address.
  EXPECT_EQ(Resolve(Tcp("10.0.0.2", 80, "10.0.2.1")), "shop/far -> shop/db");
  // The server may be anywhere.
  EXPECT_EQ(Resolve(WithUid(Tcp("10.0.2.1", 80, "10.0.1.1"), "near-1")), "shop/near -> shop/far");
}

TEST_F(ResolveClient, WithoutAProvenOrKnownNodeNoPodIsForeign) {
  inventory_.AddSimplePod("shop", "far-1", "far", "10.0.2.1", "node-2");
  EXPECT_EQ(Resolve(WithUid(Tcp("10.0.0.2"), "far-1")), "shop/far -> shop/db");
  reporter_ = {.node_name = "node-1", .is_proven = true, .nodes = nullptr, .now = {}};
  EXPECT_EQ(Resolve(WithUid(Tcp("10.0.0.2"), "web-1")), "shop/web -> shop/db");
}

TEST_F(ResolveClient, AnObservationWithoutClientIsRefused) {
  Observation observation = Tcp("10.0.0.2");
  observation.client.ip.reset();
  EXPECT_EQ(Resolve(observation), "refused: missing_client");
}

TEST_F(ResolveClient, P22FindsIpv6Pods) {
  inventory_.AddSimplePod("shop", "six-1", "six", "fd00::6");
  EXPECT_EQ(Resolve(Tcp("fd00::6", 80, "fd00::6")), "shop/six -> shop/six");
}

}  // namespace
}  // namespace network_mapper
