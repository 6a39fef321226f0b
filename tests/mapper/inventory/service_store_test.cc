#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mapper/inventory/inventory_store.h"
#include "tests/mapper/inventory/inventory_builders.h"

namespace network_mapper {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

ServiceRecord Service(std::string name, std::vector<IpAddress> cluster_ips) {
  ServiceRecord service;
  service.name = std::move(name);
  service.name_space = "shop";
  service.type = "ClusterIP";
  service.created = At(0);
  service.cluster_ips = std::move(cluster_ips);
  service.ports = {{80, std::nullopt, Protocol::kTcp}};
  return service;
}

EndpointSliceRecord Slice(unsigned uid, std::string service, std::vector<SliceEndpoint> endpoints) {
  EndpointSliceRecord slice;
  slice.name = service + "-slice";
  slice.name_space = "shop";
  slice.uid = Uid(uid);
  slice.service_name = std::move(service);
  slice.endpoints = std::move(endpoints);
  return slice;
}

SliceEndpoint PodEndpoint(unsigned pod, std::string_view ip, std::string hostname = "") {
  return {Ip(ip), Uid(pod), std::move(hostname)};
}

std::vector<std::string> Backends(const Inventory& inventory, std::string_view service,
                                  double time) {
  return inventory.Read([&](const InventoryView& view) {
    std::vector<std::string> names;
    ServiceFactsPtr facts = view.ServiceByName("shop", service);
    if (facts == nullptr) {
      return names;
    }
    ServiceBackends backends = view.BackendsOf(*facts, At(time));
    for (const Workload& workload : backends.workloads) {
      names.push_back(workload.identity->name);
    }
    for (const IpAddress& address : backends.bare_addresses) {
      names.push_back(address.ToString());
    }
    return names;
  });
}

std::string ServiceAt(const Inventory& inventory, std::string_view ip, double time,
                      std::optional<uint16_t> port = std::nullopt) {
  return inventory.Read([&](const InventoryView& view) -> std::string {
    ServiceFactsPtr service = view.ServiceByIp(Ip(ip), port, At(time));
    return service == nullptr ? "" : service->name;
  });
}

void AddPods(Inventory& inventory) {
  for (unsigned i = 1; i <= 4; ++i) {
    PodRecord pod = PodWithIp(i, "pod-" + std::to_string(i), "10.0.0." + std::to_string(i), 10);
    pod.workload_override = i <= 2 ? "web" : "web-canary";
    inventory.Upsert(pod, At(11));
  }
}

TEST(Services, AreFoundByAnyOfTheirAddresses) {
  Inventory inventory;
  ServiceRecord service = Service("web", {Ip("10.96.0.1"), Ip("fd00::1")});
  service.external_ips = {Ip("203.0.113.7")};
  inventory.Upsert(service, At(1));
  EXPECT_EQ(ServiceAt(inventory, "10.96.0.1", 2), "web");
  EXPECT_EQ(ServiceAt(inventory, "fd00::1", 2), "web");
  EXPECT_EQ(ServiceAt(inventory, "203.0.113.7", 2, 80), "web");
  EXPECT_EQ(ServiceAt(inventory, "10.96.0.2", 2), "");
  EXPECT_EQ(ServiceAt(inventory, "10.96.0.1", -10), "");
}

TEST(Services, KeepTheirAddressForObservationsFromBeforeTheirDeletion) {
  Inventory inventory;
  inventory.Upsert(Service("old", {Ip("10.96.0.1")}), At(1));
  inventory.Delete(Service("old", {Ip("10.96.0.1")}), At(100));
  ServiceRecord next = Service("new", {Ip("10.96.0.1")});
  next.created = At(103);
  inventory.Upsert(next, At(104));
  EXPECT_EQ(ServiceAt(inventory, "10.96.0.1", 50), "old");
  EXPECT_EQ(ServiceAt(inventory, "10.96.0.1", 105), "new");
  inventory.Tick(At(100 + 601));
  EXPECT_EQ(ServiceAt(inventory, "10.96.0.1", 50), "");
  EXPECT_EQ(ServiceAt(inventory, "10.96.0.1", 105), "new");
}

TEST(Services, ThatShareAnExternalAddressAreToldApartByPort) {
  Inventory inventory;
  ServiceRecord a = Service("a", {Ip("10.96.0.1")});
  a.external_ips = {Ip("203.0.113.7")};
  ServiceRecord b = Service("b", {Ip("10.96.0.2")});
  b.external_ips = {Ip("203.0.113.7")};
  b.ports = {{443, std::nullopt, Protocol::kTcp}};
  inventory.Upsert(a, At(1));
  inventory.Upsert(b, At(1));
  EXPECT_EQ(ServiceAt(inventory, "203.0.113.7", 2, 443), "b");
  EXPECT_EQ(ServiceAt(inventory, "203.0.113.7", 2, 80), "a");
  EXPECT_EQ(ServiceAt(inventory, "203.0.113.7", 2), "");
  EXPECT_EQ(ServiceAt(inventory, "203.0.113.7", 2, 22), "");
}

TEST(Services, AreFoundByNodePortUntilItChanges) {
  Inventory inventory;
  ServiceRecord service = Service("web", {Ip("10.96.0.1")});
  service.ports = {{80, 30080, Protocol::kTcp}};
  inventory.Upsert(service, At(1));
  auto by_port = [&](uint16_t port) {
    return inventory.Read(
        [&](const InventoryView& view) { return view.ServiceByNodePort(port, Protocol::kTcp); });
  };
  ASSERT_NE(by_port(30080), nullptr);
  service.ports = {{80, 30081, Protocol::kTcp}};
  inventory.Upsert(service, At(2));
  EXPECT_EQ(by_port(30080), nullptr);
  ASSERT_NE(by_port(30081), nullptr);
  inventory.Delete(service, At(3));
  EXPECT_EQ(by_port(30081), nullptr);
}

TEST(Services, ShareANodePortByProtocol) {
  Inventory inventory;
  ServiceRecord web = Service("web", {Ip("10.96.0.1")});
  web.ports = {{80, 30080, Protocol::kTcp}};
  ServiceRecord game = Service("game", {Ip("10.96.0.2")});
  game.ports = {{80, 30080, Protocol::kUdp}, {81, 30081, Protocol::kUdp}};
  inventory.Upsert(game, At(1));
  inventory.Upsert(web, At(1));
  const auto name = [&](uint16_t port, Protocol protocol) {
    const ServiceFactsPtr service = inventory.Read(
        [&](const InventoryView& view) { return view.ServiceByNodePort(port, protocol); });
    return service == nullptr ? "" : service->name;
  };
  EXPECT_EQ(name(30080, Protocol::kTcp), "web");
  EXPECT_EQ(name(30080, Protocol::kUdp), "game");
  EXPECT_EQ(name(30081, Protocol::kUdp), "game");
  EXPECT_EQ(name(30081, Protocol::kTcp), "");
  inventory.Delete(web, At(2));
  EXPECT_EQ(name(30080, Protocol::kTcp), "");
  EXPECT_EQ(name(30080, Protocol::kUdp), "game");
}

TEST(Services, ThatVanishedDuringADisconnectAreGoneAfterTheList) {
  Inventory inventory;
  inventory.Upsert(Service("a", {Ip("10.96.0.1")}), At(1));
  inventory.Upsert(Service("b", {Ip("10.96.0.2")}), At(1));
  inventory.BeginReplace(ObjectKind::kService);
  inventory.Upsert(Service("b", {Ip("10.96.0.2")}), At(50));
  inventory.EndReplace(ObjectKind::kService, At(50));
  EXPECT_EQ(ServiceAt(inventory, "10.96.0.1", 60), "");
  EXPECT_EQ(ServiceAt(inventory, "10.96.0.2", 60), "b");
  EXPECT_EQ(inventory.Sizes().services, 1);
}

// docs/regressions.md 1.1 kubefinder (pods[0]), P18
TEST(Backends, AreAllWorkloadsEachOnce) {
  Inventory inventory;
  AddPods(inventory);
  inventory.Upsert(Service("web", {Ip("10.96.0.1")}), At(11));
  inventory.Upsert(Slice(100, "web", {PodEndpoint(1, "10.0.0.1"), PodEndpoint(3, "10.0.0.3")}),
                   At(12));
  inventory.Upsert(Slice(101, "web", {PodEndpoint(2, "10.0.0.2"), PodEndpoint(1, "10.0.0.1")}),
                   At(12));
  EXPECT_THAT(Backends(inventory, "web", 13), ElementsAre("web", "web-canary"));
  EXPECT_THAT(Backends(inventory, "web", 13), ElementsAre("web", "web-canary"));
}

TEST(Backends, AreThoseOfTheObservationsTime) {
  Inventory inventory;
  AddPods(inventory);
  inventory.Upsert(Service("web", {Ip("10.96.0.1")}), At(11));
  inventory.Upsert(Slice(100, "web", {PodEndpoint(1, "10.0.0.1")}), At(12));
  inventory.BeginReplace(ObjectKind::kEndpointSlice);
  inventory.Upsert(Slice(100, "web", {PodEndpoint(1, "10.0.0.1")}), At(12));
  inventory.EndReplace(ObjectKind::kEndpointSlice, At(12));
  // Blue-green: at second 100 the service is switched over.
  inventory.Upsert(Slice(100, "web", {PodEndpoint(3, "10.0.0.3")}), At(100));
  EXPECT_THAT(Backends(inventory, "web", 50), ElementsAre("web"));
  EXPECT_THAT(Backends(inventory, "web", 98), ElementsAre("web", "web-canary"));
  EXPECT_THAT(Backends(inventory, "web", 101), ElementsAre("web-canary"));
  inventory.Tick(At(100 + 601));
  EXPECT_THAT(Backends(inventory, "web", 50), IsEmpty());
  EXPECT_THAT(Backends(inventory, "web", 800), ElementsAre("web-canary"));
}

TEST(Backends, FollowAPodWhoseWorkloadChanges) {
  Inventory inventory;
  AddPods(inventory);
  inventory.Upsert(Service("web", {Ip("10.96.0.1")}), At(11));
  inventory.Upsert(Slice(100, "web", {PodEndpoint(1, "10.0.0.1")}), At(12));
  EXPECT_THAT(Backends(inventory, "web", 13), ElementsAre("web"));
  PodRecord pod = PodWithIp(1, "pod-1", "10.0.0.1", 10);
  pod.workload_override = "renamed";
  inventory.Upsert(pod, At(14));
  EXPECT_THAT(Backends(inventory, "web", 15), ElementsAre("renamed"));
}

TEST(Backends, SayThatAnOwnerIsPending) {
  Inventory inventory;
  PodRecord pod = PodWithIp(1, "pod-1", "10.0.0.1", 10);
  pod.owner = Owner(50, "apps", "StatefulSet", "web");
  inventory.Upsert(pod, At(11));
  inventory.Upsert(Service("web", {Ip("10.96.0.1")}), At(11));
  inventory.Upsert(Slice(100, "web", {PodEndpoint(1, "10.0.0.1")}), At(12));
  inventory.Read([](const InventoryView& view) {
    ServiceBackends backends = view.BackendsOf(*view.ServiceByName("shop", "web"), At(13));
    EXPECT_TRUE(backends.owner_pending);
    EXPECT_TRUE(backends.workloads.empty());
  });
}

// docs/regressions.md P18: services without a selector have addresses instead of pods.
TEST(FieldP18, BackendsOfASelectorlessServiceAreAddressesOrTheirPods) {
  Inventory inventory;
  AddPods(inventory);
  inventory.Upsert(Service("db", {Ip("10.96.0.1")}), At(11));
  inventory.Upsert(
      Slice(100, "db", {{Ip("192.0.2.1"), std::nullopt, ""}, {Ip("10.0.0.1"), std::nullopt, ""}}),
      At(12));
  EXPECT_THAT(Backends(inventory, "db", 13), ElementsAre("web", "192.0.2.1"));
}

TEST(FieldP18, PodBehindAHeadlessServiceIsFoundByHostnameAndByDashedAddress) {
  Inventory inventory;
  AddPods(inventory);
  ServiceRecord service = Service("db", {});
  service.headless = true;
  inventory.Upsert(service, At(11));
  inventory.Upsert(
      Slice(100, "db", {PodEndpoint(1, "10.0.0.1", "db-0"), PodEndpoint(3, "10.0.0.3")}), At(12));
  auto find = [&](std::string_view hostname) {
    return inventory.Read([&](const InventoryView& view) -> std::string {
      PodFactsPtr pod = view.PodByHostname(*view.ServiceByName("shop", "db"), hostname, At(13));
      return pod == nullptr ? "" : pod->name;
    });
  };
  EXPECT_EQ(find("db-0"), "pod-1");
  EXPECT_EQ(find("10-0-0-3"), "pod-3");
  EXPECT_EQ(find("10-0-0-1"), "");
  EXPECT_EQ(find("db-1"), "");
}

TEST(FieldP18, ExternalNameServiceKeepsItsName) {
  Inventory inventory;
  ServiceRecord service = Service("db", {});
  service.type = "ExternalName";
  service.external_name = "db.example.com";
  inventory.Upsert(service, At(11));
  inventory.Read([](const InventoryView& view) {
    EXPECT_EQ(view.ServiceByName("shop", "db")->external_name, "db.example.com");
  });
}

class ControlPlaneTest : public testing::Test {
 protected:
  static void Fill(Inventory& inventory) {
    ServiceRecord service = Service("kubernetes", {Ip("10.96.0.1")});
    service.name_space = "default";
    service.ports = {{443, std::nullopt, Protocol::kTcp}};
    inventory.Upsert(service, At(1));
    EndpointSliceRecord slice =
        Slice(100, "kubernetes",
              {{Ip("172.16.0.2"), std::nullopt, ""}, {Ip("fd00::5"), std::nullopt, ""}});
    slice.name_space = "default";
    slice.ports = {6443};
    inventory.Upsert(slice, At(1));
  }

  static bool IsControlPlane(const Inventory& inventory, std::string_view ip,
                             std::optional<uint16_t> port = std::nullopt) {
    return inventory.Read(
        [&](const InventoryView& view) { return view.IsControlPlane(Ip(ip), port); });
  }
};

TEST_F(ControlPlaneTest, IsTheKubernetesServiceAndItsEndpoints) {
  Inventory inventory;
  Fill(inventory);
  EXPECT_TRUE(IsControlPlane(inventory, "10.96.0.1"));
  EXPECT_TRUE(IsControlPlane(inventory, "10.96.0.1", 443));
  EXPECT_FALSE(IsControlPlane(inventory, "10.96.0.1", 6443));
  EXPECT_TRUE(IsControlPlane(inventory, "172.16.0.2", 6443));
  EXPECT_FALSE(IsControlPlane(inventory, "172.16.0.2", 9100));
  EXPECT_TRUE(IsControlPlane(inventory, "fd00::5"));
  EXPECT_FALSE(IsControlPlane(inventory, "172.16.0.3"));
}

TEST_F(ControlPlaneTest, CanBeWidenedToAPrefix) {
  InventoryOptions options;
  options.control_plane_ipv4_prefix_length = 28;
  options.control_plane_ipv6_prefix_length = 64;
  Inventory inventory(options);
  Fill(inventory);
  EXPECT_TRUE(IsControlPlane(inventory, "172.16.0.15", 6443));
  EXPECT_FALSE(IsControlPlane(inventory, "172.16.0.16", 6443));
  EXPECT_FALSE(IsControlPlane(inventory, "10.96.0.2"));
  EXPECT_TRUE(IsControlPlane(inventory, "fd00::99"));
  EXPECT_FALSE(IsControlPlane(inventory, "fd01::99"));
}

TEST(Nodes, AreKnownByAllTheirAddressesUntilTheyGo) {
  Inventory inventory;
  auto is_node = [&](std::string_view ip) {
    return inventory.Read([&](const InventoryView& view) { return view.IsNode(Ip(ip)); });
  };
  inventory.Upsert(NodeRecord{"a", {Ip("10.1.0.1"), Ip("192.0.2.1")}}, At(1));
  inventory.Upsert(NodeRecord{"b", {Ip("192.0.2.1")}}, At(1));
  EXPECT_TRUE(is_node("10.1.0.1"));
  inventory.Delete(NodeRecord{"a", {}}, At(2));
  EXPECT_FALSE(is_node("10.1.0.1"));
  EXPECT_TRUE(is_node("192.0.2.1"));
  inventory.BeginReplace(ObjectKind::kNode);
  inventory.EndReplace(ObjectKind::kNode, At(3));
  EXPECT_FALSE(is_node("192.0.2.1"));
}

}  // namespace
}  // namespace network_mapper
