#include "cli/graph_picture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace network_mapper::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

ClientIntents Client(const std::string& name, const std::string& name_space,
                     const std::vector<std::string>& servers) {
  ClientIntents client{
      .name = name, .name_space = name_space, .workload_kind = "Deployment", .targets = {}};
  for (const std::string& server : servers) {
    Target target;
    target.name = server;
    client.targets.push_back(target);
  }
  return client;
}

// docs/regressions.md P20
TEST(GraphPicture, PutsNamespacesIntoClustersAndWorkloadsIntoOneNodeEach) {
  std::string dot = DotDocument(
      {Client("web", "shop", {"cart", "db.data"}), Client("cart", "shop", {"db.data"})});
  EXPECT_THAT(dot, AllOf(HasSubstr("\"web.shop\" -> \"cart.shop\";"),
                         HasSubstr("\"web.shop\" -> \"db.data\";"),
                         HasSubstr("\"cart.shop\" -> \"db.data\";"), HasSubstr("<B>data</B>"),
                         HasSubstr("3 connections")));
}

// docs/regressions.md P1
TEST(GraphPicture, DrawsDashedWhatWasAttemptedOnly) {
  ClientIntents client = Client("web", "shop", {"ghost", "cart", "cart"});
  client.targets[0].attempted_only = true;
  client.targets[1].attempted_only = true;
  EXPECT_THAT(
      DotDocument({client}),
      AllOf(HasSubstr("\"web.shop\" -> \"ghost.shop\" [style=dashed];"),
            HasSubstr("\"web.shop\" -> \"cart.shop\";"), HasSubstr("dashed: attempted only")));
}

TEST(GraphPicture, EscapesHostileNames) {
  std::string dot = DotDocument({Client("a\"]; evil [<b>", "x&y", {"b"})});
  StatusOr<std::string> svg = RenderPicture(dot, "svg");
  ASSERT_THAT(svg, IsOk());
  EXPECT_THAT(*svg, HasSubstr("evil"));
  EXPECT_THAT(dot, HasSubstr("\\\"]; evil"));
}

// docs/regressions.md P20
TEST(GraphPicture, RendersEveryFormat) {
  std::string dot = DotDocument({Client("web", "shop", {"cart"})});
  EXPECT_THAT(*RenderPicture(dot, "svg"), HasSubstr("<svg"));
  EXPECT_THAT(*RenderPicture(dot, "png"), StartsWith("\x89PNG"));
  EXPECT_THAT(*RenderPicture(dot, "jpg"), StartsWith("\xFF\xD8"));
  EXPECT_EQ(*RenderPicture(dot, "dot"), dot);
  EXPECT_FALSE(RenderPicture("no graph at all", "svg").ok());
}

TEST(GraphPicture, DrawsAnEmptyMap) {
  EXPECT_THAT(RenderPicture(DotDocument({}), "svg"), IsOk());
}

}  // namespace
}  // namespace network_mapper::cli
