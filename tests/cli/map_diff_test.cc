#include "cli/map_diff.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace network_mapper::cli {
namespace {

Target Plain(const std::string& name, const std::string& kind = "Deployment") {
  Target target;
  target.name = name;
  target.workload_kind = kind;
  return target;
}

Target Http(const std::string& name, const std::string& path, std::vector<std::string> methods) {
  Target target = Plain(name);
  target.http = {{.path = path, .methods = std::move(methods)}};
  return target;
}

ClientIntents Client(const std::string& name, std::vector<Target> targets) {
  return {.name = name,
          .name_space = "shop",
          .workload_kind = "Deployment",
          .targets = std::move(targets)};
}

TEST(MapDiff, TellsWhatCameWentAndChanged) {
  MapDiff diff = Compare(
      {Client("web", {Plain("cart"), Http("pay", "/v1", {"GET"}), Plain("ledger.finance")})},
      {Client("web", {Http("pay", "/v1", {"POST", "GET"}), Plain("ledger.finance", "StatefulSet")}),
       Client("cart", {Plain("db")})});
  EXPECT_EQ(DiffText(diff),
            "added    cart.shop -> db.shop\n"
            "gone     web.shop -> cart.shop\n"
            "changed  web.shop -> ledger.finance\n"
            "           + kind StatefulSet\n"
            "           - kind Deployment\n"
            "changed  web.shop -> pay.shop\n"
            "           + HTTP path /v1: GET, POST\n"
            "           - HTTP path /v1: GET\n");
  EXPECT_EQ(DiffJson(diff), Json::parse(R"({
    "added":[{"client":{"name":"cart","namespace":"shop"},"server":{"name":"db","namespace":"shop"}}],
    "gone":[{"client":{"name":"web","namespace":"shop"},"server":{"name":"cart","namespace":"shop"}}],
    "changed":[
      {"client":{"name":"web","namespace":"shop"},"server":{"name":"ledger","namespace":"finance"},
       "added":["kind StatefulSet"],"gone":["kind Deployment"]},
      {"client":{"name":"web","namespace":"shop"},"server":{"name":"pay","namespace":"shop"},
       "added":["HTTP path /v1: GET, POST"],"gone":["HTTP path /v1: GET"]}]})"));
}

TEST(MapDiff, TheOrderOfThingsIsNoDifference) {
  EXPECT_TRUE(Compare({Client("a", {Http("b", "/", {"GET", "PUT"}), Plain("c")}), Client("d", {})},
                      {Client("a", {Plain("c")}), Client("a", {Http("b", "/", {"PUT", "GET"})})})
                  .Empty());
  // A namespace may be written out.
  EXPECT_TRUE(Compare({Client("a", {Plain("b")})}, {Client("a", {Plain("b.shop")})}).Empty());
}

TEST(MapDiff, AKindThatOneSideDoesNotTellIsNoDifference) {
  EXPECT_TRUE(Compare({Client("a", {Plain("b", "")})}, {Client("a", {Plain("b")})}).Empty());
}

}  // namespace
}  // namespace network_mapper::cli
