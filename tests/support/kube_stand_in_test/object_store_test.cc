#include "tests/support/kube_stand_in/object_store.h"

#include <chrono>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/kube_stand_in/list_pages.h"
#include "tests/support/kube_stand_in/request_path.h"
#include "tests/support/kube_stand_in/watch_stream.h"
#include "tests/support/status_matchers.h"

namespace network_mapper::stand_in {
namespace {

using ::testing::_;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

std::string Pod(const std::string& name, const std::string& app) {
  return R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":")" + name +
         R"(","namespace":"shop","labels":{"app":")" + app +
         R"("}},"spec":{"nodeName":"n1"},"status":{"podIP":"10.0.0.1"}})";
}

const ResourceType kPods{"", "v1", "pods", "Pod", true, true};

Selector Parsed(std::string_view text) {
  return *Selector::Parse(text);
}

TEST(RequestPath, TellsNamespacedObjectsFromNamespaces) {
  const auto pod = ParseRequestPath("/api/v1/namespaces/shop/pods/cart/status");
  ASSERT_TRUE(pod);
  EXPECT_EQ(pod->name_space, "shop");
  EXPECT_EQ(pod->plural, "pods");
  EXPECT_EQ(pod->name, "cart");
  EXPECT_EQ(pod->subresource, "status");
  const auto name_space = ParseRequestPath("/api/v1/namespaces/shop");
  ASSERT_TRUE(name_space);
  EXPECT_EQ(name_space->plural, "namespaces");
  EXPECT_EQ(name_space->name, "shop");
  const auto proxy = ParseRequestPath("/api/v1/namespaces/a/services/b:9090/proxy/query/x");
  ASSERT_TRUE(proxy);
  EXPECT_EQ(proxy->name, "b:9090");
  EXPECT_EQ(proxy->rest, "query/x");
  EXPECT_FALSE(ParseRequestPath("/metrics"));
}

TEST(Selector, UnderstandsEveryOperator) {
  const Pairs labels = {{"app", "cart"}, {"tier", "web"}};
  EXPECT_TRUE(Parsed("app=cart,tier!=db").Matches(labels));
  EXPECT_TRUE(Parsed("app in (cart, redis),!gone,tier").Matches(labels));
  EXPECT_FALSE(Parsed("app notin (cart,redis)").Matches(labels));
  EXPECT_FALSE(Parsed("gone").Matches(labels));
  EXPECT_THAT(Selector::Parse("app in cart"), StatusIs(StatusCode::kInvalidArgument, _));
}

TEST(ObjectStore, GivesEveryWriteItsOwnVersion) {
  ObjectStore store;
  const auto first = store.Apply(Pod("a", "cart"));
  const auto second = store.Apply(Pod("a", "redis"));
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(second, IsOk());
  EXPECT_GT((*second)->resource_version, (*first)->resource_version);
  EXPECT_EQ(ValueOf((*first)->fields, "metadata.uid"), ValueOf((*second)->fields, "metadata.uid"));
}

TEST(ObjectStore, RefusesAWriteOverANewerVersion) {
  ObjectStore store;
  ASSERT_THAT(store.Apply(Pod("a", "cart")), IsOk());
  const std::string stale =
      R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"shop","resourceVersion":"1"}})";
  EXPECT_THAT(store.Replace(kPods, {"shop", "a"}, stale), StatusIs(StatusCode::kAborted, _));
  EXPECT_THAT(store.Create(kPods, "shop", Pod("a", "x")),
              StatusIs(StatusCode::kAlreadyExists, HasSubstr("pods \"a\"")));
}

TEST(ObjectStore, MergesAPatchIntoAnObject) {
  ObjectStore store;
  ASSERT_THAT(store.Apply(Pod("a", "cart")), IsOk());
  const auto patched = store.Patch(kPods, {"shop", "a"}, PatchFormat::kMergePatch,
                                   R"({"status":{"podIP":"10.0.0.9"}})");
  ASSERT_THAT(patched, IsOk());
  EXPECT_EQ(ValueOf((*patched)->fields, "status.podIP"), "10.0.0.9");
  EXPECT_EQ(ValueOf((*patched)->labels, "app"), "cart");
}

TEST(ObjectStore, LearnsCustomResources) {
  ObjectStore store;
  ASSERT_THAT(store.Apply(R"({"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout",
                              "metadata":{"name":"r","namespace":"shop"}})"),
              IsOk());
  const auto type = store.TypeByPath("argoproj.io", "v1alpha1", "rollouts");
  ASSERT_TRUE(type);
  EXPECT_FALSE(type->built_in);
}

TEST(ObjectStore, ForgetsItsHistoryWhenCompacted) {
  ObjectStore store;
  ASSERT_THAT(store.Apply(Pod("a", "cart")), IsOk());
  const uint64_t version = store.ResourceVersion();
  EXPECT_THAT(store.ChangesAfter(kPods, version), IsOk());
  store.Compact();
  EXPECT_THAT(store.ChangesAfter(kPods, version), StatusIs(StatusCode::kOutOfRange, _));
  EXPECT_THAT(store.ChangesAfter(kPods, store.ResourceVersion()), IsOk());
}

TEST(ListPages, ServesPagesOfOneSnapshot) {
  ObjectStore store;
  for (const char* name : {"a", "b", "c"}) {
    ASSERT_THAT(store.Apply(Pod(name, "cart")), IsOk());
  }
  ListPages pages(store);
  ListRequest request{.type = kPods, .limit = 2};
  const auto first = pages.Body(request);
  ASSERT_THAT(first, IsOk());
  EXPECT_THAT(*first, AllOf(HasSubstr(R"("name":"b")"), Not(HasSubstr(R"("name":"c")")),
                            HasSubstr(R"("continue":"1:2")")));
  // Items of a built-in list carry no kind of their own.
  EXPECT_THAT(*first, Not(HasSubstr(R"("kind":"Pod",)")));
  ASSERT_THAT(store.Delete(kPods, {"shop", "c"}), IsOk());
  request.continue_token = "1:2";
  const auto second = pages.Body(request);
  ASSERT_THAT(second, IsOk());
  EXPECT_THAT(*second, AllOf(HasSubstr(R"("name":"c")"), Not(HasSubstr(R"("continue")"))));
  request.continue_token = "9:2";
  EXPECT_THAT(pages.Body(request), StatusIs(StatusCode::kOutOfRange, _));
}

TEST(WatchStream, SendsWhatHappensAfterTheVersionAskedFor) {
  ObjectStore store;
  ASSERT_THAT(store.Apply(Pod("a", "cart")), IsOk());
  WatchStream stream(store, {.type = kPods, .resource_version = store.ResourceVersion()});
  EXPECT_EQ(stream.Next(std::chrono::milliseconds(0)), "");
  ASSERT_THAT(store.Apply(Pod("a", "redis")), IsOk());
  ASSERT_THAT(store.Delete(kPods, {"shop", "a"}), IsOk());
  const auto frames = stream.Next(std::chrono::seconds(5));
  ASSERT_TRUE(frames);
  EXPECT_THAT(*frames, StartsWith(R"({"type":"MODIFIED","object":{"kind":"Pod",)"));
  EXPECT_THAT(*frames, HasSubstr("\n{\"type\":\"DELETED\""));
  EXPECT_TRUE(frames->ends_with("}}\n"));
}

TEST(WatchStream, ShowsASelectorsLeaversAsDeleted) {
  ObjectStore store;
  ASSERT_THAT(store.Apply(Pod("a", "cart")), IsOk());
  WatchStream stream(
      store,
      {.type = kPods, .labels = Parsed("app=cart"), .resource_version = store.ResourceVersion()});
  ASSERT_THAT(store.Apply(Pod("a", "redis")), IsOk());
  EXPECT_THAT(stream.Next(std::chrono::seconds(5)).value_or(""), HasSubstr("DELETED"));
  ASSERT_THAT(store.Apply(Pod("a", "cart")), IsOk());
  EXPECT_THAT(stream.Next(std::chrono::seconds(5)).value_or(""), HasSubstr("ADDED"));
}

TEST(WatchStream, EndsTheInitialObjectsWithABookmark) {
  ObjectStore store;
  ASSERT_THAT(store.Apply(Pod("a", "cart")), IsOk());
  WatchStream stream(store, {.type = kPods, .bookmarks = true, .send_initial_events = true});
  EXPECT_THAT(stream.Next(std::chrono::seconds(5)).value_or(""),
              AllOf(HasSubstr("ADDED"), HasSubstr(R"("k8s.io/initial-events-end":"true")")));
}

TEST(WatchStream, SaysGoodbyeWithABookmarkAtItsTimeout) {
  ObjectStore store;
  WatchStream stream(store, {.type = kPods,
                             .resource_version = 1,
                             .bookmarks = true,
                             .timeout = std::chrono::milliseconds(1)});
  EXPECT_THAT(stream.Next(std::chrono::seconds(5)).value_or(""), HasSubstr("BOOKMARK"));
  EXPECT_EQ(stream.Next(std::chrono::seconds(5)), std::nullopt);
}

TEST(WatchStream, EndsWithAnErrorFrameWhenItsVersionIsCompacted) {
  ObjectStore store;
  ASSERT_THAT(store.Apply(Pod("a", "cart")), IsOk());
  WatchStream stream(store, {.type = kPods, .resource_version = store.ResourceVersion()});
  store.Compact();
  EXPECT_THAT(stream.Next(std::chrono::milliseconds(0)).value_or(""),
              AllOf(HasSubstr(R"("type":"ERROR")"), HasSubstr(R"("code":410)")));
  EXPECT_EQ(stream.Next(std::chrono::milliseconds(0)), std::nullopt);
}

}  // namespace
}  // namespace network_mapper::stand_in
