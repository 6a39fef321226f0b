// The parts of common/kube that need neither files nor sockets.
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/kube/api_error.h"
#include "common/kube/back_off.h"
#include "common/kube/base64.h"
#include "common/kube/discovery.h"
#include "common/kube/list_page.h"
#include "common/kube/paths.h"
#include "common/kube/server_url.h"
#include "common/kube/watch_stream.h"
#include "tests/support/status_matchers.h"

namespace network_mapper::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::_;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(BackOff, DoublesUpToTheLongestStepWithJitterBelow) {
  BackOff back_off(milliseconds(800), milliseconds(30'000));
  std::vector<std::pair<int64_t, int64_t>> waits;
  for (int i = 0; i < 8; ++i) {
    BackOff low = back_off;
    waits.emplace_back(low.Next(0.0, {}).count(), back_off.Next(1.0, {}).count());
  }
  EXPECT_THAT(waits,
              ElementsAre(std::pair(400, 800), std::pair(800, 1600), std::pair(1600, 3200),
                          std::pair(3200, 6400), std::pair(6400, 12800), std::pair(12800, 25600),
                          std::pair(15000, 30000), std::pair(15000, 30000)));
  back_off.Reset();
  EXPECT_EQ(back_off.Next(1.0, {}), milliseconds(800));
}

TEST(BackOff, WaitsAsLongAsTheServerAsksButNotForHours) {
  BackOff back_off(milliseconds(800), milliseconds(30'000));
  EXPECT_EQ(back_off.Next(1.0, seconds(7)), seconds(7));
  EXPECT_EQ(back_off.Next(1.0, seconds(0)), milliseconds(1600));
  EXPECT_EQ(back_off.Next(1.0, seconds(-5)), milliseconds(3200));
  EXPECT_EQ(back_off.Next(1.0, seconds(100'000)), BackOff::kLongestRetryAfter);
}

TEST(Base64, DecodesWhatItEncodes) {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"", ""},        {"f", "Zg=="},        {"fo", "Zm8="},
      {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {std::string("\xFF\x00\xFE", 3), "/wD+"},
  };
  for (const auto& [bytes, text] : table) {
    EXPECT_EQ(EncodeBase64(bytes), text);
    EXPECT_EQ(DecodeBase64(text), bytes);
  }
  EXPECT_EQ(DecodeBase64("Zm\n9v\n"), "foo");
}

TEST(Base64, RefusesOtherTexts) {
  for (const std::string_view text : {"Z", "Zg", "Zg=", "Zg===", "Z=g=", "Zm9*", "Zm9v=", "===="}) {
    EXPECT_EQ(DecodeBase64(text), std::nullopt) << text;
  }
}

TEST(Paths, EncodesAndComposes) {
  EXPECT_EQ(PercentEncode("a-Z_0.~/ \xC3"), "a-Z_0.~%2F%20%C3");
  EXPECT_EQ(GroupVersionPath("v1"), "/api/v1");
  EXPECT_EQ(GroupVersionPath("argoproj.io/v1alpha1"), "/apis/argoproj.io/v1alpha1");
  EXPECT_EQ(ServiceProxyPath({"otterize-system", "otterize-network-mapper", "9090", "/query"}),
            "/api/v1/namespaces/otterize-system/services/otterize-network-mapper:9090/proxy/query");
  EXPECT_EQ(PodProxyPath({"a", "b", "http", "/x"}), "/api/v1/namespaces/a/pods/b:http/proxy/x");
}

TEST(ServerUrl, TakesAddressesApart) {
  const auto v6 = ParseServerUrl("https://[fd00::1]:6443/k8s/c-1/");
  ASSERT_THAT(v6, IsOk());
  EXPECT_TRUE(v6->tls);
  EXPECT_EQ(v6->host, "fd00::1");
  EXPECT_EQ(v6->port, 6443);
  EXPECT_EQ(v6->prefix, "/k8s/c-1");
  const auto plain = ParseServerUrl("http://localhost");
  ASSERT_THAT(plain, IsOk());
  EXPECT_FALSE(plain->tls);
  EXPECT_EQ(plain->port, 80);
  EXPECT_EQ(plain->prefix, "");
  EXPECT_EQ(ParseServerUrl("https://[::1]")->port, 443);
}

TEST(ServerUrl, RefusesWhatItCannotUse) {
  for (const std::string_view url :
       {"", "host:80", "ftp://a", "https://", "https://:443", "https://a:0", "https://a:65536",
        "https://a:x", "https://[::1", "https://[::1]x", "https://u:p@a", "https://a?x=1",
        "https://a b", "https://a\r\nX: y"}) {
    EXPECT_THAT(ParseServerUrl(url), StatusIs(StatusCode::kInvalidArgument, _)) << url;
  }
}

TEST(ApiError, TellsCodeMessageAndWait) {
  const Status forbidden = ApiError(
      {"GET /api/v1/pods", 403,
       R"({"kind":"Status","message":"pods is forbidden","reason":"Forbidden","code":403})", ""});
  EXPECT_THAT(forbidden, StatusIs(StatusCode::kPermissionDenied,
                                  "GET /api/v1/pods: HTTP 403: Forbidden: pods is forbidden"));
  EXPECT_EQ(HttpCode(forbidden), 403);
  EXPECT_EQ(RetryAfter(forbidden), std::nullopt);
  const Status annotated = Annotate(
      ApiError({"x", 429, R"({"kind":"Status","details":{"retryAfterSeconds":3}})", ""}), "list");
  EXPECT_THAT(annotated, StatusIs(StatusCode::kUnavailable, HasSubstr("list: x")));
  EXPECT_EQ(RetryAfter(annotated), seconds(3));
  EXPECT_EQ(RetryAfter(ApiError({"x", 503, "", "12"})), seconds(12));
  EXPECT_EQ(RetryAfter(ApiError({"x", 503, "", "Wed, 21 Oct 2015 07:28:00 GMT"})), std::nullopt);
}

TEST(ApiError, MapsCodes) {
  const std::vector<std::pair<int, StatusCode>> table = {
      {400, StatusCode::kInvalidArgument},  {401, StatusCode::kUnauthenticated},
      {403, StatusCode::kPermissionDenied}, {404, StatusCode::kNotFound},
      {409, StatusCode::kAborted},          {410, StatusCode::kOutOfRange},
      {422, StatusCode::kInvalidArgument},  {429, StatusCode::kUnavailable},
      {500, StatusCode::kUnavailable},      {504, StatusCode::kUnavailable},
      {302, StatusCode::kUnknown},
  };
  for (const auto& [http_code, code] : table) {
    EXPECT_THAT(ApiError({"x", http_code, "<html>\nno", ""}),
                StatusIs(code, HasSubstr("<html> no")));
  }
}

constexpr std::string_view kPage =
    R"({"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"77","continue":"abc",)"
    R"("remainingItemCount":3},"items":[{"metadata":{"name":"a\"]}"}},{"b":[{},[]]} ]})";

TEST(ListPage, HandsOnEachItemsText) {
  std::string body(kPage);
  std::vector<std::string> items;
  const auto page = ReadListPage(body, [&](std::string_view item) { items.emplace_back(item); });
  ASSERT_THAT(page, IsOk());
  EXPECT_EQ(page->resource_version, "77");
  EXPECT_EQ(page->continue_token, "abc");
  EXPECT_EQ(page->items, 2U);
  EXPECT_EQ(items[0], R"({"metadata":{"name":"a\"]}"}})");
  EXPECT_THAT(items[1], HasSubstr(R"({"b":[{},[]]})"));
}

TEST(ListPage, ReadsEmptyAndAbsentItemsAndMetadataBehindThem) {
  for (const std::string_view text : {R"({"items":null,"metadata":{"resourceVersion":"1"}})",
                                      R"({"items":[],"metadata":{"resourceVersion":"1"}})"}) {
    std::string body(text);
    const auto page = ReadListPage(body, [](std::string_view) { FAIL(); });
    ASSERT_THAT(page, IsOk());
    EXPECT_EQ(page->resource_version, "1");
    EXPECT_EQ(page->continue_token, "");
  }
}

TEST(ListPage, RefusesAPageThatIsCutAnywhere) {
  for (size_t size = 0; size < kPage.size(); ++size) {
    std::string body(kPage.substr(0, size));
    EXPECT_FALSE(ReadListPage(body, [](std::string_view) {}).ok()) << size;
  }
}

TEST(ListPage, RefusesWhatIsNoList) {
  for (const std::string_view text :
       {"[]", "null", "1", "{}", R"({"items":[1],"metadata":{"resourceVersion":"1"}})",
        R"({"items":{},"metadata":{"resourceVersion":"1"}})",
        R"({"items":[],"metadata":{"resourceVersion":1}})", R"({"items":[],"metadata":[]})",
        R"({"items":[],"metadata":{}})", R"({"items":[],"metadata":{"resourceVersion":"1"}} {})",
        "{\"items\":[{\"a\":\"\xFF\"}],\"metadata\":{\"resourceVersion\":\"1\"}}"}) {
    std::string body(text);
    EXPECT_FALSE(ReadListPage(body, [](std::string_view) {}).ok()) << text;
  }
}

TEST(LineSplitter, FindsLinesWhateverTheChunks) {
  const std::string text = "one\n\ntwo\nthree\n";
  for (size_t chunk = 1; chunk <= text.size(); ++chunk) {
    LineSplitter splitter(5);
    std::vector<std::string> lines;
    for (size_t i = 0; i < text.size(); i += chunk) {
      ASSERT_THAT(splitter.Push(std::string_view(text).substr(i, chunk),
                                [&](std::string_view line) {
                                  lines.emplace_back(line);
                                  return true;
                                }),
                  IsOk());
    }
    EXPECT_THAT(lines, ElementsAre("one", "two", "three"));
  }
}

TEST(LineSplitter, RefusesLinesThatAreTooLong) {
  LineSplitter splitter(3);
  const auto accept = [](std::string_view) { return true; };
  EXPECT_THAT(splitter.Push("abc\nab", accept), IsOk());
  EXPECT_THAT(splitter.Push("cd", accept), StatusIs(StatusCode::kResourceExhausted, _));
}

TEST(WatchEventParser, ReadsEachType) {
  const std::vector<std::pair<std::string, WatchEventType>> table = {
      {"ADDED", WatchEventType::kAdded},
      {"MODIFIED", WatchEventType::kModified},
      {"DELETED", WatchEventType::kDeleted},
      {"BOOKMARK", WatchEventType::kBookmark}};
  WatchEventParser parser;
  for (const auto& [name, type] : table) {
    const auto event = parser.Parse(fmt::format(
        R"({{"type":"{}","object":{{"kind":"Pod","metadata":{{"resourceVersion":"9"}}}}}})", name));
    ASSERT_THAT(event, IsOk());
    EXPECT_EQ(event->type, type);
    EXPECT_EQ(event->resource_version, "9");
    EXPECT_EQ(event->object_json, R"({"kind":"Pod","metadata":{"resourceVersion":"9"}})");
  }
  const auto swapped =
      parser.Parse(R"({"object":{"metadata":{"resourceVersion":"1"}},"type":"ADDED"})");
  ASSERT_THAT(swapped, IsOk());
  EXPECT_EQ(swapped->resource_version, "1");
}

TEST(WatchEventParser, ReadsTheStatusOfAnError) {
  WatchEventParser parser;
  const auto event = parser.Parse(
      R"({"type":"ERROR","object":{"kind":"Status","message":"too old","reason":"Expired","code":410}})");
  ASSERT_THAT(event, IsOk());
  EXPECT_EQ(event->type, WatchEventType::kError);
  EXPECT_EQ(event->error.code, 410);
  EXPECT_EQ(event->error.message, "too old");
}

TEST(WatchEventParser, RefusesWhatIsNoFrame) {
  const std::string whole =
      R"({"type":"ADDED","object":{"kind":"Pod","metadata":{"resourceVersion":"9"}}})";
  WatchEventParser parser;
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(parser.Parse(whole.substr(0, size)).ok()) << size;
  }
  for (const std::string_view text :
       {R"({"type":"OTHER","object":{"metadata":{"resourceVersion":"9"}}})",
        R"({"type":"ADDED","object":{}})", R"({"type":"ADDED","object":{"metadata":{}}})",
        R"({"type":"ADDED","object":{"metadata":{"resourceVersion":7}}})",
        R"({"type":"ADDED","object":[]})", R"({"object":{"metadata":{"resourceVersion":"9"}}})",
        R"({"type":"ADDED"})", "[]"}) {
    EXPECT_FALSE(parser.Parse(text).ok()) << text;
  }
  EXPECT_THAT(parser.Parse(whole), IsOk());
}

TEST(Discovery, ReadsResourceLists) {
  const auto kinds = ParseResourceList(R"({"kind":"APIResourceList","resources":[
    {"name":"rollouts","namespaced":true,"kind":"Rollout","verbs":["get","list"]},
    {"name":"rollouts/status","namespaced":true,"kind":"Rollout","verbs":["get"]},
    {"name":"reviews","namespaced":false,"kind":"Review","verbs":["create"]},
    {"name":"nodes","namespaced":false,"kind":"Node","verbs":["get"]}, 7]})");
  ASSERT_THAT(kinds, IsOk());
  ASSERT_EQ(kinds->size(), 2U);
  EXPECT_EQ(kinds->at("Rollout").plural, "rollouts");
  EXPECT_TRUE(kinds->at("Rollout").namespaced);
  EXPECT_FALSE(kinds->at("Node").namespaced);
  EXPECT_FALSE(ParseResourceList(R"({"kind":"Status"})").ok());
}

TEST(Discovery, ReadsObjectMetadata) {
  const auto metadata = ParseObjectMetadata(R"({"metadata":{"name":"n","namespace":"s","uid":"u",
    "labels":{"a":"b","c":1},"annotations":null,"ownerReferences":[
    {"apiVersion":"apps/v1","kind":"Deployment","name":"d","uid":"x","controller":true},"odd"]}})");
  ASSERT_THAT(metadata, IsOk());
  EXPECT_EQ(metadata->name, "n");
  EXPECT_EQ(metadata->labels, (std::map<std::string, std::string>{{"a", "b"}}));
  ASSERT_EQ(metadata->owners.size(), 1U);
  EXPECT_EQ(metadata->owners[0].kind, "Deployment");
  EXPECT_TRUE(metadata->owners[0].controller);
  EXPECT_FALSE(ParseObjectMetadata("[]").ok());
  EXPECT_FALSE(ParseObjectMetadata(R"({"metadata":[]})").ok());
}

}  // namespace
}  // namespace network_mapper::kube
