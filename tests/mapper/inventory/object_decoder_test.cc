#include "mapper/inventory/object_decoder.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/time/time_text.h"
#include "tests/mapper/inventory/inventory_builders.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_paths.h"

namespace network_mapper {
namespace {

using testing::_;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

std::string Sample(std::string_view name) {
  return ReadFileOrDie(TestDataPath("kube/" + std::string(name)));
}

Time Instant(std::string_view text) {
  return ParseRfc3339(text).value();
}

PodRecord DecodedPod(std::string_view json) {
  StatusOr<PodRecord> pod = ObjectDecoder().DecodePod(json);
  EXPECT_THAT(pod, IsOk());
  return pod.ok() ? *pod : PodRecord();
}

ServiceRecord DecodedService(std::string_view json) {
  StatusOr<ServiceRecord> service = ObjectDecoder().DecodeService(json);
  EXPECT_THAT(service, IsOk());
  return service.ok() ? *service : ServiceRecord();
}

// A pod with nothing but identity and what is given as further fields of its metadata.
std::string PodWithMetadata(std::string_view fields) {
  return R"({"metadata":{"name":"a","namespace":"b","uid":"3f2b8a0e-8d0f-4a4e-bb6d-0c7f0f3d5a21",)" +
         std::string(fields) + "}}";
}

TEST(ObjectDecoder, ReadsARunningPod) {
  PodRecord pod = DecodedPod(Sample("pod_running.json"));
  EXPECT_EQ(pod.name, "checkoutservice-6d8f7c9b5d-x2x4z");
  EXPECT_EQ(pod.name_space, "shop");
  EXPECT_EQ(pod.uid.ToString(), "3f2b8a0e-8d0f-4a4e-bb6d-0c7f0f3d5a21");
  EXPECT_THAT(pod.labels,
              ElementsAre(Pair("app", "checkoutservice"), Pair("app.kubernetes.io/part-of", "shop"),
                          Pair("pod-template-hash", "6d8f7c9b5d")));
  ASSERT_TRUE(pod.owner.has_value());
  EXPECT_EQ(pod.owner->kind, (GroupVersionKind{"apps", "v1", "ReplicaSet"}));
  EXPECT_EQ(pod.owner->name, "checkoutservice-6d8f7c9b5d");
  EXPECT_EQ(pod.owner->uid, ObjectUid::Parse("7f3c1b6e-4f43-4e43-9d0c-1c3a6f4b2d11"));
  EXPECT_FALSE(pod.host_network);
  EXPECT_FALSE(pod.workload_override.has_value());
  EXPECT_FALSE(pod.terminating_since.has_value());
  EXPECT_FALSE(pod.config_hash.has_value());
  EXPECT_EQ(pod.node_name, "node-1");
  EXPECT_EQ(pod.phase, PodPhase::kRunning);
  EXPECT_TRUE(pod.has_live_container);
  EXPECT_EQ(pod.created, Instant("2026-01-01T10:00:00Z"));
  EXPECT_EQ(pod.started, Instant("2026-01-01T10:00:01Z"));
  EXPECT_EQ(pod.first_container_started, Instant("2026-01-01T10:00:02Z"));
  EXPECT_EQ(pod.last_container_finished, Instant("2026-01-01T10:00:03Z"));
  EXPECT_THAT(pod.ips, ElementsAre(Ip("10.244.1.17"), Ip("fd00:10:244:1::17")));
  EXPECT_THAT(pod.host_ips, ElementsAre(Ip("192.168.10.11"), Ip("fd00:10::11")));
  EXPECT_THAT(pod.container_ports, ElementsAre(5050, 9090));
  EXPECT_THAT(pod.images, IsEmpty());
}

// A pod on a node with two addresses, with these fields of its spec.
std::string PodOnNode(std::string_view spec) {
  return R"({"metadata":{"name":"a","namespace":"b","uid":"3f2b8a0e-8d0f-4a4e-bb6d-0c7f0f3d5a21"},)"
         R"("status":{"hostIP":"192.168.0.1","hostIPs":[{"ip":"192.168.0.1"},{"ip":"fd00::1"}]},)"
         R"("spec":{)" +
         std::string(spec) + "}}";
}

TEST(ObjectDecoder, ReadsThePortsOfTheNodeBehindWhichThePodIs) {
  PodRecord pod = DecodedPod(PodOnNode(
      R"("containers":[{"name":"c","ports":[{"containerPort":80,"hostPort":8080},{"containerPort":81},
         {"containerPort":53,"hostPort":53,"protocol":"UDP","hostIP":"10.1.1.1"},
         {"containerPort":9,"hostPort":9,"protocol":"SCTP"},{"containerPort":8,"hostPort":70000}]},
         {"name":"d","ports":[{"containerPort":82,"hostPort":8082,"hostIP":"0.0.0.0"}]}])"));
  EXPECT_THAT(pod.host_ports, ElementsAre(HostPort{Ip("192.168.0.1"), 8080, Protocol::kTcp},
                                          HostPort{Ip("fd00::1"), 8080, Protocol::kTcp},
                                          HostPort{Ip("10.1.1.1"), 53, Protocol::kUdp},
                                          HostPort{Ip("192.168.0.1"), 8082, Protocol::kTcp}));
}

TEST(ObjectDecoder, OfInitContainersOnlySidecarsServe) {
  PodRecord pod = DecodedPod(PodOnNode(
      R"("initContainers":[
           {"name":"once","ports":[{"containerPort":1,"hostPort":1001}]},
           {"name":"sidecar","restartPolicy":"Always","ports":[
             {"containerPort":2,"hostPort":1002,"hostIP":"192.168.0.1"}]}])"));
  EXPECT_THAT(pod.host_ports, ElementsAre(HostPort{Ip("192.168.0.1"), 1002, Protocol::kTcp}));
  EXPECT_THAT(pod.container_ports, ElementsAre(2));
}

TEST(ObjectDecoder, AHostNetworkPodIsBehindNoPortOfItsNode) {
  PodRecord pod = DecodedPod(PodOnNode(
      R"("hostNetwork":true,"containers":[{"name":"c","ports":[{"containerPort":80,"hostPort":80}]}])"));
  EXPECT_THAT(pod.host_ports, IsEmpty());
  EXPECT_THAT(pod.container_ports, ElementsAre(80));
}

TEST(ObjectDecoder, ReadsTheFinishedPodOfAJob) {
  PodRecord pod = DecodedPod(Sample("pod_finished_job.json"));
  EXPECT_EQ(pod.phase, PodPhase::kSucceeded);
  EXPECT_FALSE(pod.has_live_container);
  EXPECT_EQ(pod.first_container_started, Instant("2026-01-01T10:00:02Z"));
  EXPECT_EQ(pod.last_container_finished, Instant("2026-01-01T10:00:09Z"));
  ASSERT_EQ(pod.images.size(), 1);
  EXPECT_EQ(pod.images[0].container, "migrate");
  EXPECT_EQ(pod.images[0].image, "registry.example/shop/migrate:3");
}

TEST(ObjectDecoder, ReadsAStaticPodThatIsTerminating) {
  PodRecord pod = DecodedPod(Sample("pod_static_terminating.json"));
  EXPECT_TRUE(pod.host_network);
  EXPECT_EQ(pod.config_hash, ObjectUid::Parse("8a1f6c3f2f0a4a4cb6a6d1d6f0b1c2d3"));
  EXPECT_EQ(pod.terminating_since, Instant("2026-01-01T10:00:00Z"));
  ASSERT_TRUE(pod.owner.has_value());
  EXPECT_EQ(pod.owner->kind, (GroupVersionKind{"", "v1", "Node"}));
}

TEST(ObjectDecoder, TakesTheFirstOwnerWhenNoneIsTheController) {
  PodRecord pod = DecodedPod(PodWithMetadata(
      R"("ownerReferences":[{"apiVersion":"x.io/v1beta1","kind":"X","name":"x","uid":"no uuid"},
                            {"apiVersion":"v1","kind":"Y","name":"y","uid":""}])"));
  ASSERT_TRUE(pod.owner.has_value());
  EXPECT_EQ(pod.owner->kind, (GroupVersionKind{"x.io", "v1beta1", "X"}));
  EXPECT_FALSE(pod.owner->uid.has_value());
}

// docs/regressions.md P17
TEST(ObjectDecoder, PrefersTheAnnotationThenTheDeprecatedOneThenTheLabel) {
  constexpr std::string_view kAll =
      R"("labels":{"otterize/service-name":"label"},
         "annotations":{"intents.otterize.com/service-name":"deprecated",
                        "intents.otterize.com/workload-name":"annotation"})";
  EXPECT_EQ(DecodedPod(PodWithMetadata(kAll)).workload_override, "annotation");
  constexpr std::string_view kTwo =
      R"("labels":{"otterize/service-name":"label"},
         "annotations":{"intents.otterize.com/service-name":"deprecated"})";
  EXPECT_EQ(DecodedPod(PodWithMetadata(kTwo)).workload_override, "deprecated");
  constexpr std::string_view kOne = R"("labels":{"otterize/service-name":"label"})";
  EXPECT_EQ(DecodedPod(PodWithMetadata(kOne)).workload_override, "label");
}

TEST(ObjectDecoder, PassesOverAnOverrideWithControlCharacters) {
  for (const char* character : {"\\n", "\\r", "\\t", "\\u0000", "\\u001b", "\\u001f", "\\u007f"}) {
    std::string forged = std::string("\"a") + character + "b\"";
    PodRecord alone = DecodedPod(
        PodWithMetadata(R"("annotations":{"intents.otterize.com/workload-name":)" + forged + "}"));
    EXPECT_FALSE(alone.workload_override.has_value()) << character;
    EXPECT_TRUE(alone.refused_override) << character;
    PodRecord other =
        DecodedPod(PodWithMetadata(R"("labels":{"otterize/service-name":"label"},"annotations":{)"
                                   R"("intents.otterize.com/service-name":)" +
                                   forged + "}"));
    EXPECT_EQ(other.workload_override, "label") << character;
  }
  PodRecord plain = DecodedPod(
      PodWithMetadata(R"("annotations":{"intents.otterize.com/workload-name":"caf\u00e9 ~ x"})"));
  EXPECT_EQ(plain.workload_override, "caf\u00e9 ~ x");
  EXPECT_FALSE(plain.refused_override);
}

TEST(ObjectDecoder, KeepsAnEmptyOverride) {
  PodRecord pod =
      DecodedPod(PodWithMetadata(R"("annotations":{"intents.otterize.com/workload-name":""})"));
  EXPECT_EQ(pod.workload_override, "");
}

TEST(ObjectDecoder, HonoursAnotherAnnotationKey) {
  ObjectDecoder decoder({.workload_annotation = "example.com/name"});
  StatusOr<PodRecord> pod = decoder.DecodePod(PodWithMetadata(
      R"("annotations":{"example.com/name":"mine","intents.otterize.com/workload-name":"other"})"));
  ASSERT_THAT(pod, IsOk());
  EXPECT_EQ(pod->workload_override, "mine");
}

TEST(ObjectDecoder, IgnoresTimesThatNoClockShows) {
  PodRecord pod = DecodedPod(PodWithMetadata(
      R"("creationTimestamp":"9999-12-31T23:59:59Z","deletionTimestamp":"2026-01-01T10:00:30Z",
         "deletionGracePeriodSeconds":9223372036854775807)"));
  EXPECT_EQ(pod.created, Time());
  EXPECT_EQ(pod.terminating_since, Time());
}

TEST(ObjectDecoder, ReadsAServiceWithAllItsAddressesAndPorts) {
  ServiceRecord service = DecodedService(Sample("service_load_balancer.json"));
  EXPECT_EQ(service.type, "LoadBalancer");
  EXPECT_THAT(service.cluster_ips, ElementsAre(Ip("10.96.12.7"), Ip("fd00:10:96::7")));
  EXPECT_THAT(service.external_ips, ElementsAre(Ip("198.51.100.4"), Ip("203.0.113.9")));
  EXPECT_TRUE(service.has_selector);
  EXPECT_FALSE(service.headless);
  ASSERT_EQ(service.ports.size(), 2);
  EXPECT_EQ(service.ports[0].port, 80);
  EXPECT_EQ(service.ports[0].node_port, 30080);
  EXPECT_EQ(service.ports[1].protocol, Protocol::kUdp);
  EXPECT_FALSE(service.ports[1].node_port.has_value());
}

TEST(ObjectDecoder, ReadsHeadlessAndExternalNameServices) {
  ServiceRecord headless = DecodedService(Sample("service_headless.json"));
  EXPECT_TRUE(headless.headless);
  EXPECT_THAT(headless.cluster_ips, IsEmpty());
  ServiceRecord external = DecodedService(Sample("service_external_name.json"));
  EXPECT_EQ(external.type, "ExternalName");
  EXPECT_EQ(external.external_name, "billing.example.com");
  EXPECT_FALSE(external.has_selector);
  EXPECT_FALSE(external.headless);
}

TEST(ObjectDecoder, ReadsAnEndpointSlice) {
  StatusOr<EndpointSliceRecord> slice =
      ObjectDecoder().DecodeEndpointSlice(Sample("endpoint_slice.json"));
  ASSERT_THAT(slice, IsOk());
  EXPECT_EQ(slice->service_name, "db");
  EXPECT_EQ(slice->name_space, "shop");
  EXPECT_THAT(slice->ports, ElementsAre(5432));
  ASSERT_EQ(slice->endpoints.size(), 2);
  EXPECT_EQ(slice->endpoints[0].address, Ip("10.244.1.30"));
  EXPECT_EQ(slice->endpoints[0].hostname, "db-0");
  EXPECT_EQ(slice->endpoints[0].pod, ObjectUid::Parse("3f2b8a0e-8d0f-4a4e-bb6d-0c7f0f3d5a41"));
  EXPECT_FALSE(slice->endpoints[1].pod.has_value());
}

TEST(ObjectDecoder, ReadsANode) {
  StatusOr<NodeRecord> node = ObjectDecoder().DecodeNode(Sample("node.json"));
  ASSERT_THAT(node, IsOk());
  EXPECT_EQ(node->name, "node-1");
  EXPECT_THAT(node->addresses,
              ElementsAre(Ip("192.168.10.11"), Ip("fd00:10::11"), Ip("203.0.113.20")));
}

TEST(ObjectDecoder, ReadsAnOwnerFromItsMetadata) {
  StatusOr<OwnerRecord> owner = ObjectDecoder().DecodeOwner(Sample("replica_set_metadata.json"));
  ASSERT_THAT(owner, IsOk());
  EXPECT_EQ(owner->uid, ObjectUid::Parse("7f3c1b6e-4f43-4e43-9d0c-1c3a6f4b2d11"));
  ASSERT_TRUE(owner->owner.has_value());
  EXPECT_EQ(owner->owner->name, "checkoutservice");
  EXPECT_EQ(owner->owner->kind.kind, "Deployment");
}

TEST(ObjectDecoder, RefusesWhatIsNoObjectOrHasNoIdentity) {
  ObjectDecoder decoder;
  for (std::string_view text :
       {"", "[]", "null", "{", "{}", R"({"metadata":[]})", R"({"metadata":{"name":"a"}})",
        R"({"metadata":{"name":1,"uid":"3f2b8a0e-8d0f-4a4e-bb6d-0c7f0f3d5a21"}})",
        R"({"metadata":{"name":"a","uid":"x"}})"}) {
    EXPECT_THAT(decoder.DecodePod(text), StatusIs(StatusCode::kInvalidArgument, _)) << text;
    EXPECT_THAT(decoder.DecodeService(text), StatusIs(StatusCode::kInvalidArgument, _)) << text;
    EXPECT_THAT(decoder.DecodeEndpointSlice(text), StatusIs(StatusCode::kInvalidArgument, _))
        << text;
  }
  EXPECT_THAT(decoder.DecodeNode("{}"), StatusIs(StatusCode::kInvalidArgument, _));
  EXPECT_THAT(decoder.DecodeOwner("{}"), StatusIs(StatusCode::kInvalidArgument, _));
}

TEST(ObjectDecoder, SkipsFieldsOfAnotherTypeThanExpected) {
  PodRecord pod = DecodedPod(
      R"({"metadata":{"name":"a","namespace":"b","uid":"3f2b8a0e-8d0f-4a4e-bb6d-0c7f0f3d5a21",
          "labels":{"x":1,"y":"z"},"ownerReferences":{"kind":"X"},"annotations":[]},
          "spec":{"hostNetwork":"true","containers":[1,{"ports":[{"containerPort":70000},
          {"containerPort":"80"},null]}]},"status":{"podIP":"10.0.0.300","podIPs":[{"ip":7}]}})");
  EXPECT_THAT(pod.labels, ElementsAre(Pair("y", "z")));
  EXPECT_FALSE(pod.owner.has_value());
  EXPECT_FALSE(pod.host_network);
  EXPECT_THAT(pod.container_ports, IsEmpty());
  EXPECT_THAT(pod.ips, IsEmpty());
}

TEST(ObjectDecoder, RefusesAnObjectThatIsCutOffAnywhere) {
  ObjectDecoder decoder;
  std::string whole = Sample("pod_running.json");
  whole.erase(whole.find_last_of('}') + 1);
  for (size_t length = 0; length < whole.size(); ++length) {
    ASSERT_FALSE(decoder.DecodePod(std::string_view(whole).substr(0, length)).ok()) << length;
  }
  EXPECT_THAT(decoder.DecodePod(whole), IsOk());
}

}  // namespace
}  // namespace network_mapper
