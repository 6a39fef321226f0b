#include "tests/mapper/resolve/resolve_fixture.h"

namespace network_mapper {
namespace {

using ResolveDns = ResolveFixture;

// docs/regressions.md 1.1 DNS path, P1: an answer alone is evidence of its own, weaker kind.
TEST_F(ResolveDns, G5FindsTheWorkloadBehindAService) {
  Observation observation = Dns("db.shop.svc.cluster.local");
  std::get<NameTarget>(observation.target).addresses = {FakeInventoryView::Ip("10.96.0.2")};
  EXPECT_EQ(Resolve(observation), "shop/web -> shop/db via db");
  EXPECT_EQ(Only().strength, Strength::kResolved);
  EXPECT_EQ(Only().resolution, Resolution::kDns);
  EXPECT_FALSE(Only().port.has_value());
  EXPECT_EQ(Only().sample.server_address, FakeInventoryView::Ip("10.96.0.2"));
  EXPECT_FALSE(Only().shared);
}

TEST_F(ResolveDns, NamesAreComparedWithoutCaseAndTrailingDot) {
  EXPECT_EQ(Resolve(Dns("DB.Shop.SVC.cluster.LOCAL.")), "shop/web -> shop/db via db");
}

TEST_F(ResolveDns, R1HonoursTheConfiguredClusterDomain) {
  options_.cluster_domain = "K8s.Example.org.";
  EXPECT_EQ(Resolve(Dns("db.shop.svc.k8s.example.org")), "shop/web -> shop/db via db");
  EXPECT_EQ(Resolve(Dns("db.shop.svc.cluster.local")), "refused: external_name");
}

TEST_F(ResolveDns, G1RefusesNamesOutsideTheCluster) {
  EXPECT_EQ(Resolve(Dns("api.example.com")), "refused: external_name");
}

TEST_F(ResolveDns, G2RefusesNameThatOnlyEndsLikeTheClusterDomain) {
  EXPECT_EQ(Resolve(Dns("db.shop.svc.notcluster.local")), "refused: external_name");
}

TEST_F(ResolveDns, SurvivesTheBareClusterDomainThatCrashedTheOriginal) {
  EXPECT_EQ(Resolve(Dns("cluster.local")), "refused: unsupported_name");
}

TEST_F(ResolveDns, G2HoldsAnUnknownServiceThenRefusesIt) {
  EXPECT_EQ(Resolve(Dns("new.shop.svc.cluster.local")), "hold: unknown_service");
  EXPECT_EQ(Resolve(Dns("new.shop.svc.cluster.local"), Patience::kLastChance),
            "refused: unknown_service");
}

// docs/regressions.md 1.1 kubefinder (pods[0]), P18
TEST_F(ResolveDns, B6GivesEveryWorkloadBehindAServiceInsteadOfTheFirstPods) {
  inventory_.AddService("shop", "api", "10.96.0.3", {Make("shop", "blue"), Make("shop", "green")});
  EXPECT_EQ(Resolve(Dns("api.shop.svc.cluster.local")),
            "shop/web -> shop/blue via api, shop/web -> shop/green via api");
  EXPECT_TRUE(sightings_[0].shared);
  EXPECT_TRUE(sightings_[1].shared);
}

TEST_F(ResolveDns, B5HoldsAServiceWithoutBackendsThenRefusesIt) {
  inventory_.AddService("shop", "empty", "10.96.0.4", {});
  EXPECT_EQ(Resolve(Dns("empty.shop.svc.cluster.local")), "hold: no_backends");
  EXPECT_EQ(Resolve(Dns("empty.shop.svc.cluster.local"), Patience::kLastChance),
            "refused: no_backends");
}

// docs/regressions.md P18
TEST_F(ResolveDns, P18FollowsBareAddressesOfASelectorlessServiceToPods) {
  auto& service = inventory_.AddService("shop", "manual", "10.96.0.5", {});
  service.backends.bare_addresses = {FakeInventoryView::Ip("10.0.0.2"),
                                     FakeInventoryView::Ip("203.0.113.1")};
  EXPECT_EQ(Resolve(Dns("manual.shop.svc.cluster.local")), "shop/web -> shop/db via manual");
}

TEST_F(ResolveDns, WaitsForPendingOwnersOfAServiceThenTakesWhatIsKnown) {
  auto& service = inventory_.AddService("shop", "roll", "10.96.0.6", {Make("shop", "db")});
  service.backends.owner_pending = true;
  EXPECT_EQ(Resolve(Dns("roll.shop.svc.cluster.local")), "hold: server_owner_pending");
  EXPECT_EQ(Resolve(Dns("roll.shop.svc.cluster.local"), Patience::kLastChance),
            "shop/web -> shop/db via roll");
  service.backends.workloads.clear();
  EXPECT_EQ(Resolve(Dns("roll.shop.svc.cluster.local"), Patience::kLastChance),
            "refused: server_owner_pending");
}

// docs/regressions.md P18
TEST_F(ResolveDns, P18NamesThePodOfAHeadlessServiceByItsHostName) {
  auto& service =
      inventory_.AddService("shop", "db-peers", "", {Make("shop", "db"), Make("shop", "other")});
  service.by_hostname["db-1"] = inventory_.PodByName("shop", "db-1");
  service.by_hostname["10-0-0-2"] = inventory_.PodByName("shop", "db-1");
  EXPECT_EQ(Resolve(Dns("db-1.db-peers.shop.svc.cluster.local")),
            "shop/web -> shop/db via db-peers");
  EXPECT_EQ(*Only().sample.server_pod, "db-1");
  EXPECT_EQ(Resolve(Dns("10-0-0-2.db-peers.shop.svc.cluster.local")),
            "shop/web -> shop/db via db-peers");
}

TEST_F(ResolveDns, AnUnknownHostOfAHeadlessServiceStandsForTheService) {
  inventory_.AddService("shop", "db-peers", "", {Make("shop", "db")});
  EXPECT_EQ(Resolve(Dns("gone.db-peers.shop.svc.cluster.local")),
            "shop/web -> shop/db via db-peers");
}

TEST_F(ResolveDns, G2IgnoresSrvLabels) {
  EXPECT_EQ(Resolve(Dns("_sql._tcp.db.shop.svc.cluster.local")), "shop/web -> shop/db via db");
}

// docs/regressions.md 1.1 kubefinder (pod names)
TEST_F(ResolveDns, G2FindsPodNamesOfBothFamilies) {
  inventory_.AddSimplePod("shop", "six-1", "six", "fd00::a1");
  EXPECT_EQ(Resolve(Dns("10-0-0-2.shop.pod.cluster.local")), "shop/web -> shop/db");
  EXPECT_EQ(Resolve(Dns("fd00--a1.shop.pod.cluster.local")), "shop/web -> shop/six");
  EXPECT_EQ(Resolve(Dns("10-0-0-99.shop.pod.cluster.local")), "hold: unknown_server");
}

// docs/regressions.md 1.1 schema.helpers.resolvers.go:499, P5
TEST_F(ResolveDns, G4DoesNotTakeAPodThatCameAfterTheAnswer) {
  // The original added its five minutes on the wrong side.
  PodFacts late;
  late.name = "late-1";
  late.name_space = "shop";
  late.workload = Make("shop", "late");
  inventory_.AddPod(late, {"10.0.0.50"}, At(60));
  EXPECT_EQ(Resolve(Dns("10-0-0-50.shop.pod.cluster.local"), Patience::kLastChance),
            "refused: unknown_server");
}

TEST_F(ResolveDns, G3FindsTheApiServerWithoutPods) {
  inventory_.AddService("default", "kubernetes", "10.96.0.1", {});
  EXPECT_EQ(Resolve(Dns("kubernetes.default.svc.cluster.local")),
            "shop/web -> default/kubernetes via kubernetes");
  EXPECT_EQ(Only().server.labels, nullptr);
}

class ResolveExternalName : public ResolveFixture {
 protected:
  void AddAlias(const std::string& name, const std::string& target) {
    ServiceFacts facts;
    facts.name = name;
    facts.name_space = "shop";
    facts.type = "ExternalName";
    facts.external_name = target;
    inventory_.AddService(std::move(facts));
  }
};

// docs/regressions.md 1.1 kubefinder (ExternalName), P18
TEST_F(ResolveExternalName, P18FollowsAnAliasOfAServiceInTheCluster) {
  AddAlias("store", "DB.shop.svc.cluster.local.");
  EXPECT_EQ(Resolve(Dns("store.shop.svc.cluster.local")), "shop/web -> shop/db via db");
}

TEST_F(ResolveExternalName, RefusesAnAliasOfAnExternalName) {
  AddAlias("mail", "smtp.example.com");
  EXPECT_EQ(Resolve(Dns("mail.shop.svc.cluster.local")), "refused: external_name");
}

TEST_F(ResolveExternalName, ACircleOfAliasesEnds) {
  AddAlias("a", "b.shop.svc.cluster.local");
  AddAlias("b", "a.shop.svc.cluster.local");
  EXPECT_EQ(Resolve(Dns("a.shop.svc.cluster.local")), "refused: external_name");
}

TEST_F(ResolveExternalName, AnAliasOfAnUnknownServiceIsHeld) {
  AddAlias("soon", "later.shop.svc.cluster.local");
  EXPECT_EQ(Resolve(Dns("soon.shop.svc.cluster.local")), "hold: unknown_service");
}

}  // namespace
}  // namespace network_mapper
