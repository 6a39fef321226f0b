#include "common/kube/lease.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/status_matchers.h"

namespace network_mapper::kube {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr const char* kFromServer = R"({"kind":"Lease","apiVersion":"coordination.k8s.io/v1",
  "metadata":{"name":"l","namespace":"n","uid":"u","resourceVersion":"7","labels":{"team":"net"},
    "managedFields":[{"manager":"m"}]},
  "spec":{"holderIdentity":"a","leaseDurationSeconds":15,"acquireTime":"2026-01-01T00:00:00.000000Z",
    "renewTime":"2026-01-01T00:00:04.000000Z","leaseTransitions":2,"strategy":"OldestEmulationVersion"}})";

TEST(Lease, IsReadAndWrittenBack) {
  auto lease = ParseLease(kFromServer);
  ASSERT_THAT(lease, IsOk());
  EXPECT_EQ(lease->holder, "a");
  EXPECT_EQ(lease->duration, 15s);
  EXPECT_EQ(lease->transitions, 2);
  EXPECT_EQ(lease->resource_version, "7");
  EXPECT_EQ(lease->renewed, "2026-01-01T00:00:04.000000Z");

  lease->holder = "b";
  lease->renewed = "2026-01-01T00:01:00.000000Z";
  json expected = json::parse(kFromServer);
  expected["spec"]["holderIdentity"] = "b";
  expected["spec"]["renewTime"] = "2026-01-01T00:01:00.000000Z";
  expected["metadata"].erase("managedFields");
  EXPECT_EQ(json::parse(EncodeLease(*lease, "n", "l")), expected);
}

TEST(Lease, IsMadeNew) {
  const Lease lease{.holder = "a", .duration = 15s, .acquired = "x", .renewed = "y"};
  EXPECT_EQ(json::parse(EncodeLease(lease, "n", "l")), json::parse(R"(
    {"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"namespace":"n","name":"l"},
     "spec":{"holderIdentity":"a","leaseDurationSeconds":15,"leaseTransitions":0,"acquireTime":"x","renewTime":"y"}})"));
}

TEST(Lease, ToleratesWhatOthersWrote) {
  const auto odd = ParseLease(R"({"kind":"Lease","metadata":{"resourceVersion":"1"},
    "spec":{"holderIdentity":5,"leaseDurationSeconds":99999999999999,"leaseTransitions":-4}})");
  ASSERT_THAT(odd, IsOk());
  EXPECT_EQ(odd->holder, "");
  EXPECT_EQ(odd->duration, 5min);
  EXPECT_EQ(odd->transitions, 0);
  EXPECT_THAT(ParseLease(R"({"kind":"Lease","metadata":{"resourceVersion":"1"}})"), IsOk());
  for (const char* text :
       {"", "[]", "{}", R"({"kind":"Lease"})", R"({"kind":"Lease","metadata":{}})",
        R"({"kind":"Pod","metadata":{"resourceVersion":"1"}})"}) {
    EXPECT_THAT(ParseLease(text), StatusIs(StatusCode::kInvalidArgument, "the answer is no Lease"))
        << text;
  }
}

TEST(Lease, TimesHaveSixDigits) {
  EXPECT_EQ(FormatMicroTime(Time(1767225600s)), "2026-01-01T00:00:00.000000Z");
  EXPECT_EQ(FormatMicroTime(Time(1767225600s) + 1234567ns), "2026-01-01T00:00:00.001234Z");
  EXPECT_EQ(FormatMicroTime(Time(-1ns)), "1969-12-31T23:59:59.999999Z");
}

}  // namespace
}  // namespace network_mapper::kube
