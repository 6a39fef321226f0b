#include "istio-watcher/watch/watch_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "istio-watcher/watch/saved_scope.h"

namespace network_mapper::istio {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(WatchReport, SaysWhichTelemetryIsMissing) {
  WatchReport report{.proxies = 3, .requests = 10, .requests_without_path = 9};
  EXPECT_THAT(NoticesOf(report), IsEmpty());
  report.requests_without_path = 10;
  EXPECT_THAT(NoticesOf(report), ElementsAre(HasSubstr("Telemetry resource of docs/istio.md")));
  EXPECT_THAT(NoticesOf({.proxies = 3}), IsEmpty());
}

TEST(WatchReport, SaysWhyProxiesCannotBeRead) {
  WatchReport report{.proxies = 5};
  report.failing[static_cast<size_t>(ScrapeFailure::kForbidden)] = 2;
  report.failing[static_cast<size_t>(ScrapeFailure::kTimeout)] = 1;
  EXPECT_THAT(NoticesOf(report),
              ElementsAre("3 of 5 Istio proxies cannot be read (timeout 1, forbidden 2): see "
                          "docs/istio.md",
                          HasSubstr("istio-exec-fallback")));
  report = {.proxies = 2};
  report.failing[static_cast<size_t>(ScrapeFailure::kExecForbidden)] = 1;
  EXPECT_THAT(NoticesOf(report),
              ElementsAre(HasSubstr("exec_forbidden 1"), HasSubstr("pods/exec, which")));
  EXPECT_THAT(NoticesOf({.series_over_limit = 7}), ElementsAre(HasSubstr("7 series")));
}

TEST(SavedScope, ComesBack) {
  const SavedScope scope{Time(std::chrono::seconds(1767225600)), "shop"};
  const auto decoded = DecodeScope(EncodeScope(scope));
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->since, scope.since);
  EXPECT_EQ(decoded->proxies, "shop");
  EXPECT_EQ(DecodeScope(EncodeScope({scope.since, ""}))->proxies, "");
  for (const char* bytes : {"", "1 ", "1 x ", "1 5", "1 -5 ", "2 5 ", "1 99999999999999999999 "}) {
    EXPECT_FALSE(DecodeScope(bytes).has_value()) << bytes;
  }
}

}  // namespace
}  // namespace network_mapper::istio
