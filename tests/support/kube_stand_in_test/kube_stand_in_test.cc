#include "tests/support/kube_stand_in/kube_stand_in.h"

#include <httplib.h>

#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/kube_stand_in/cluster_generator.h"
#include "tests/support/kube_stand_in/manifests.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_paths.h"

namespace network_mapper::stand_in {
namespace {

using nlohmann::json;
using ::testing::_;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Le;
using ::testing::SizeIs;

constexpr const char* kManifests = R"(
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Pod
metadata:
  name: cart
  namespace: shop
  annotations: {version: "1.0"}
spec: {nodeName: n1, hostNetwork: false}
status: {podIP: 10.0.0.1}
)";

class KubeStandInTest : public ::testing::Test {
 protected:
  void SetUp() override {
    KubeStandInOptions options;
    options.threads = 8;
    auto started = KubeStandIn::Start(std::move(options));
    ASSERT_THAT(started, IsOk());
    stand_in_ = *std::move(started);
    client_ = std::make_unique<httplib::Client>("127.0.0.1", stand_in_->Port());
    ASSERT_EQ(client_->Post("/stand-in/apply", kManifests, "application/yaml")->status, 200);
  }

  json Get(const std::string& path, int expected_status = 200,
           const httplib::Headers& headers = {}) {
    const auto result = client_->Get(path, headers);
    if (!result) {
      ADD_FAILURE() << path << ": " << httplib::to_string(result.error());
      return json::object();
    }
    EXPECT_EQ(result->status, expected_status) << result->body;
    return json::parse(result->body);
  }

  // Reads a watch until `text` came by or it ended; gives what it read.
  std::string ReadWatch(const std::string& query, const std::string& text) {
    httplib::Client watcher("127.0.0.1", stand_in_->Port());
    std::string body;
    watcher.Get("/api/v1/pods?watch=1" + query, [&](const char* data, size_t size) {
      body.append(data, size);
      return body.find(text) == std::string::npos;
    });
    return body;
  }

  void OrderFault(const std::string& order) {
    ASSERT_EQ(client_->Post("/stand-in/faults", order, "application/json")->status, 200);
  }

  std::unique_ptr<KubeStandIn> stand_in_;
  std::unique_ptr<httplib::Client> client_;
};

TEST_F(KubeStandInTest, ServesObjectsListsAndMetadata) {
  const json pod = Get("/api/v1/namespaces/shop/pods/cart");
  EXPECT_EQ(pod["kind"], "Pod");
  EXPECT_EQ(pod["metadata"]["annotations"]["version"], "1.0");
  EXPECT_EQ(pod["spec"]["hostNetwork"], false);
  const json list = Get("/api/v1/pods?fieldSelector=spec.nodeName%3Dn1");
  EXPECT_EQ(list["kind"], "PodList");
  ASSERT_THAT(list["items"], SizeIs(1));
  EXPECT_FALSE(list["items"][0].contains("kind"));
  const json partial =
      Get("/api/v1/pods", 200,
          {{"Accept", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"}});
  EXPECT_EQ(partial["items"][0]["kind"], "PartialObjectMetadata");
  EXPECT_FALSE(partial["items"][0].contains("status"));
}

TEST_F(KubeStandInTest, AnswersErrorsWithAStatusObject) {
  const json status = Get("/api/v1/namespaces/shop/pods/none", 404);
  EXPECT_EQ(status["kind"], "Status");
  EXPECT_EQ(status["reason"], "NotFound");
  EXPECT_EQ(Get("/apis/none.io/v1", 404)["code"], 404);
}

TEST_F(KubeStandInTest, DescribesItsResources) {
  const json core = Get("/api/v1");
  EXPECT_EQ(core["kind"], "APIResourceList");
  EXPECT_THAT(core["resources"].dump(), HasSubstr(R"("kind":"Pod","name":"pods")"));
  EXPECT_THAT(Get("/apis").dump(), HasSubstr("discovery.k8s.io/v1"));
  const json aggregated = Get("/apis", 200,
                              {{"Accept",
                                "application/json;g=apidiscovery.k8s.io;v=v2;"
                                "as=APIGroupDiscoveryList,application/json"}});
  EXPECT_EQ(aggregated["kind"], "APIGroupDiscoveryList");
}

TEST_F(KubeStandInTest, WatchesObjectsWrittenThroughRest) {
  const std::string version = Get("/api/v1/pods")["metadata"]["resourceVersion"];
  EXPECT_EQ(client_
                ->Patch("/api/v1/namespaces/shop/pods/cart/status",
                        R"({"status":{"phase":"Failed"}})", "application/merge-patch+json")
                ->status,
            200);
  EXPECT_EQ(client_->Delete("/api/v1/namespaces/shop/pods/cart")->status, 200);
  const std::string body = ReadWatch("&resourceVersion=" + version, "DELETED");
  EXPECT_THAT(body, AllOf(HasSubstr(R"("type":"MODIFIED")"), HasSubstr(R"("phase":"Failed")"),
                          HasSubstr(R"("type":"DELETED")")));
}

TEST_F(KubeStandInTest, EndsAWatchAfterItsTimeout) {
  EXPECT_EQ(ReadWatch("&resourceVersion=3&timeoutSeconds=0", "never"), "");
}

TEST_F(KubeStandInTest, CommitsTheFaultsThatWereOrderedOnce) {
  OrderFault(R"({"kind":"too_many_requests","path":"/pods","verb":"list","retryAfterSeconds":3})");
  const auto busy = client_->Get("/api/v1/pods");
  EXPECT_EQ(busy->status, 429);
  EXPECT_EQ(busy->get_header_value("Retry-After"), "3");
  Get("/api/v1/pods", 200);
  OrderFault(R"({"kind":"gone","verb":"list"})");
  EXPECT_EQ(Get("/api/v1/pods", 410)["reason"], "Expired");
  OrderFault(R"({"kind":"gone_frame","verb":"watch"})");
  EXPECT_THAT(ReadWatch("&resourceVersion=2", "never"), HasSubstr(R"("type":"ERROR")"));
  OrderFault(R"({"kind":"half_object","verb":"watch"})");
  const std::string half = ReadWatch("", "never");
  EXPECT_THAT(half, SizeIs(Ge(10U)));
  EXPECT_EQ(half.find('\n'), std::string::npos);
  OrderFault(R"({"kind":"half_object","verb":"list"})");
  EXPECT_FALSE(client_->Get("/api/v1/pods"));
  OrderFault(R"({"kind":"drop_connection"})");
  EXPECT_FALSE(client_->Get("/api/v1/pods"));
  EXPECT_EQ(
      client_->Post("/stand-in/faults", R"({"kind":"earthquake"})", "application/json")->status,
      422);
}

TEST_F(KubeStandInTest, AnswersAnOldVersionWith410AfterCompaction) {
  const std::string version = Get("/api/v1/pods")["metadata"]["resourceVersion"];
  ASSERT_EQ(client_->Post("/stand-in/compact")->status, 200);
  EXPECT_EQ(Get("/api/v1/pods?watch=1&resourceVersion=" + version, 410)["reason"], "Expired");
}

TEST_F(KubeStandInTest, PassesServiceProxyRequestsOn) {
  KubeStandInOptions options;
  options.threads = 4;
  options.token = "secret";
  options.proxies["shop/cart:80"] = stand_in_->Url();
  const auto front = KubeStandIn::Start(std::move(options));
  ASSERT_THAT(front, IsOk());
  httplib::Client client("127.0.0.1", (*front)->Port());
  EXPECT_EQ(client.Get("/version")->status, 401);
  client.set_bearer_token_auth("secret");
  const auto result =
      client.Get("/api/v1/namespaces/shop/services/cart:80/proxy/api/v1/pods?limit=1");
  ASSERT_TRUE(result);
  EXPECT_EQ(json::parse(result->body)["kind"], "PodList");
}

TEST(Manifests, TakesListsApartAndKeepsQuotedNumbersText) {
  const auto documents =
      ParseManifests("kind: List\nitems:\n- {a: \"1\", b: 1}\n- {c: null}\n---\n");
  ASSERT_THAT(documents, IsOk());
  ASSERT_THAT(*documents, SizeIs(2));
  EXPECT_EQ((*documents)[0], R"({"a":"1","b":1})");
  EXPECT_THAT(ParseManifests("a: [1"), StatusIs(StatusCode::kInvalidArgument, _));
}

TEST(Manifests, LoadsTheFilesOfADirectoryInOrder) {
  const TemporaryDirectory directory;
  directory.WriteFile("b.yaml", "kind: B");
  directory.WriteFile("a.json", R"({"kind":"A"})");
  directory.WriteFile("c.txt", "kind: C");
  const auto documents = LoadManifests(directory.Path());
  ASSERT_THAT(documents, IsOk());
  EXPECT_THAT(*documents, ::testing::ElementsAre(R"({"kind":"A"})", R"({"kind":"B"})"));
}

TEST(ClusterGenerator, MakesValidObjectsOfARealisticSize) {
  ObjectStore store;
  const auto size = ParseClusterSize("pods=250,services=2,nodes=3");
  ASSERT_THAT(size, IsOk());
  GenerateCluster(*size, store);
  const ResourceType pods{"", "v1", "pods", "Pod", true, true};
  const ListSnapshot snapshot = store.List(pods, "");
  ASSERT_THAT(snapshot.objects, SizeIs(250));
  for (const StoredObjectPtr& object : snapshot.objects) {
    std::string text;
    AppendObject(pods, *object, text);
    EXPECT_THAT(text, SizeIs(AllOf(Ge(6U * 1024), Le(8U * 1024))));
    const json pod = json::parse(text);
    EXPECT_EQ(pod["metadata"]["ownerReferences"][0]["kind"], "ReplicaSet");
    EXPECT_EQ(pod["metadata"]["managedFields"].size(), 2U);
  }
  const auto slices = store.TypeByPath("discovery.k8s.io", "v1", "endpointslices");
  EXPECT_THAT(store.List(*slices, "").objects, SizeIs(4));
  EXPECT_THAT(ParseClusterSize("cats=9"), StatusIs(StatusCode::kInvalidArgument, _));
}

}  // namespace
}  // namespace network_mapper::stand_in
