// Pods with each kind of a mesh's proxy, from their JSON to what the inventory says of them
// (docs/regressions.md P12).
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mapper/inventory/object_decoder.h"
#include "tests/mapper/inventory/inventory_builders.h"
#include "tests/support/status_matchers.h"

namespace network_mapper {
namespace {

constexpr std::string_view kRunningProxy =
    R"({"name":"istio-proxy","ready":true,"state":{"running":{"startedAt":"2026-01-01T00:00:05Z"}}})";

struct PodText {
  std::string metadata = R"("labels":{"security.istio.io/tlsMode":"istio"})";
  std::string spec = R"("containers":[{"name":"web"},{"name":"istio-proxy"}])";
  std::string status = R"("containerStatuses":[)" + std::string(kRunningProxy) + "]";
};

PodRecord Decoded(const PodText& text) {
  const std::string json =
      R"({"metadata":{"name":"web-1","namespace":"shop","uid":"3f2b8a0e-8d0f-4a4e-bb6d-0c7f0f3d5a21",)" +
      text.metadata + R"(},"spec":{)" + text.spec +
      R"(},"status":{"phase":"Running","podIP":"10.0.0.7",)" + text.status + "}}";
  StatusOr<PodRecord> pod = ObjectDecoder().DecodePod(json);
  EXPECT_THAT(pod, IsOk());
  return pod.ok() ? *pod : PodRecord();
}

TEST(MeshProxy, OfASidecar) {
  const PodRecord pod = Decoded({});
  ASSERT_TRUE(pod.mesh_proxy.has_value());
  EXPECT_TRUE(pod.mesh_proxy->is_ready);
  EXPECT_FALSE(pod.mesh_proxy->is_ztunnel);
  EXPECT_EQ(pod.mesh_proxy->started, At(5));
  EXPECT_EQ(pod.mesh_proxy->merged_port, 15020);
}

TEST(MeshProxy, OfANativeSidecar) {
  const PodRecord pod = Decoded(
      {.spec = R"("containers":[{"name":"web"}],"initContainers":[{"name":"istio-validation"},)"
               R"({"name":"istio-proxy","restartPolicy":"Always"}])",
       .status = R"("containerStatuses":[{"name":"web","ready":false}],"initContainerStatuses":[)" +
                 std::string(kRunningProxy) + "]"});
  ASSERT_TRUE(pod.mesh_proxy.has_value());
  EXPECT_TRUE(pod.mesh_proxy->is_ready);
  EXPECT_EQ(pod.mesh_proxy->started, At(5));
}

TEST(MeshProxy, IsNoneInAnInitContainerThatEnds) {
  const PodRecord pod = Decoded(
      {.spec = R"("containers":[{"name":"web"}],"initContainers":[{"name":"istio-proxy"}])"});
  EXPECT_FALSE(pod.mesh_proxy.has_value());
}

TEST(MeshProxy, IsNoneInAnOrdinaryPod) {
  EXPECT_FALSE(Decoded({.spec = R"("containers":[{"name":"web"}])"}).mesh_proxy.has_value());
}

TEST(MeshProxy, OfAGatewayWithoutTheLabelOfSidecars) {
  const PodRecord pod = Decoded({.metadata = R"("annotations":{"istio.io/rev":"default"})",
                                 .spec = R"("containers":[{"name":"istio-proxy"}])"});
  EXPECT_TRUE(pod.mesh_proxy.has_value());
}

TEST(MeshProxy, OfAWaypoint) {
  const PodRecord pod = Decoded(
      {.metadata =
           R"("labels":{"gateway.networking.k8s.io/gateway-class-name":"istio-waypoint"},)"
           R"("annotations":{"prometheus.io/port":"15020","prometheus.io/path":"/stats/prometheus"})",
       .spec = R"("containers":[{"name":"istio-proxy"}])"});
  ASSERT_TRUE(pod.mesh_proxy.has_value());
  EXPECT_FALSE(pod.mesh_proxy->is_ztunnel);
}

TEST(MeshProxy, OfAZtunnel) {
  const PodRecord pod = Decoded(
      {.metadata = R"("labels":{"app":"ztunnel"},"ownerReferences":[{"apiVersion":"apps/v1",)"
                   R"("kind":"DaemonSet","name":"ztunnel","controller":true}])",
       .spec = R"("containers":[{"name":"istio-proxy"}])"});
  ASSERT_TRUE(pod.mesh_proxy.has_value());
  EXPECT_TRUE(pod.mesh_proxy->is_ztunnel);
}

TEST(MeshProxy, WhoseMergedPortWasMoved) {
  EXPECT_EQ(Decoded({.metadata = R"("annotations":{"prometheus.io/port":"15999",)"
                                 R"("prometheus.io/path":"/stats/prometheus"})"})
                .mesh_proxy->merged_port,
            15999);
  EXPECT_EQ(Decoded({.metadata = R"("annotations":{"status.sidecar.istio.io/port":"16000"})"})
                .mesh_proxy->merged_port,
            16000);
  // The application's own metrics.
  EXPECT_EQ(Decoded({.metadata = R"("annotations":{"prometheus.io/port":"8080",)"
                                 R"("prometheus.io/path":"/metrics"})"})
                .mesh_proxy->merged_port,
            15020);
  for (const char* port : {"0", "65536", "-1", "15020x", ""}) {
    EXPECT_EQ(
        Decoded({.metadata = std::string(R"("annotations":{"status.sidecar.istio.io/port":")") +
                             port + R"("})"})
            .mesh_proxy->merged_port,
        15020);
  }
}

TEST(MeshProxy, ThatDoesNotRunIsNotReady) {
  const PodRecord waiting = Decoded(
      {.status =
           R"("containerStatuses":[{"name":"istio-proxy","ready":true,"state":{"waiting":{}}}])"});
  EXPECT_FALSE(waiting.mesh_proxy->is_ready);
  EXPECT_FALSE(waiting.mesh_proxy->started.has_value());
  const PodRecord unready =
      Decoded({.status = R"("containerStatuses":[{"name":"istio-proxy","ready":false,)"
                         R"("state":{"running":{"startedAt":"2026-01-01T00:00:05Z"}}}])"});
  EXPECT_FALSE(unready.mesh_proxy->is_ready);
  EXPECT_EQ(unready.mesh_proxy->started, At(5));
}

PodRecord WithProxy(PodRecord pod, double started) {
  pod.mesh_proxy = MeshProxy{.is_ready = true, .started = At(started)};
  return pod;
}

TEST(MeshProxies, AreThoseOfPodsThatAreThere) {
  Inventory inventory;
  inventory.Upsert(WithProxy(PodWithIp(1, "web-1", "10.0.0.1", 0), 1), At(2));
  inventory.Upsert(WithProxy(Pod(2, "starting"), 1), At(2));
  inventory.Upsert(PodWithIp(3, "plain", "10.0.0.3", 0), At(2));
  auto proxies = inventory.MeshProxies();
  ASSERT_EQ(proxies.size(), 1U);
  EXPECT_EQ(proxies[0].pod->uid, Uid(1));
  EXPECT_EQ(proxies[0].address, Ip("10.0.0.1"));
  EXPECT_EQ(proxies[0].workload, "web-1");

  inventory.Upsert(WithProxy(PodWithIp(1, "web-1", "10.0.0.1", 0), 7), At(8));
  EXPECT_EQ(inventory.MeshProxies().at(0).proxy.started, At(7));

  inventory.Delete(WithProxy(PodWithIp(1, "web-1", "10.0.0.1", 0), 7), At(9));
  EXPECT_TRUE(inventory.MeshProxies().empty());
}

TEST(MeshProxies, GoWhenAListDoesNotNameThem) {
  Inventory inventory;
  inventory.Upsert(WithProxy(PodWithIp(1, "web-1", "10.0.0.1", 0), 1), At(2));
  inventory.BeginReplace(ObjectKind::kPod);
  inventory.EndReplace(ObjectKind::kPod, At(3));
  EXPECT_TRUE(inventory.MeshProxies().empty());
}

TEST(MeshProxies, OfTheHostNetworkAreReachedAtTheirNode) {
  Inventory inventory;
  PodRecord pod = WithProxy(PodWithIp(1, "ztunnel-1", "192.168.0.9", 0), 1);
  pod.host_network = true;
  pod.host_ips = {Ip("192.168.0.9")};
  inventory.Upsert(pod, At(2));
  ASSERT_EQ(inventory.MeshProxies().size(), 1U);
  EXPECT_EQ(inventory.MeshProxies()[0].address, Ip("192.168.0.9"));
}

}  // namespace
}  // namespace network_mapper
