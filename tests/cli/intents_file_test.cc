#include "cli/intents_file.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/documents.h"
#include "cli/map_diff.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_paths.h"

namespace network_mapper::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string Exported(const std::string& name) {
  return ReadFileOrDie(TestDataPath("cli/" + name + ".txt"));
}

TEST(IntentsFile, ReadsWhatExportWrites) {
  for (const char* name : {"example1.export", "example1.export_as-kubernetes-service_n_shop",
                           "example3.export", "example4.export", "example5.export"}) {
    StatusOr<std::vector<ClientIntents>> clients = ParseClientIntents(Exported(name));
    ASSERT_THAT(clients, IsOk()) << name;
    EXPECT_EQ(YamlDocuments(*clients, DocumentVersion::kV2Beta1) + "\n", Exported(name));
  }
  for (const char* name : {"example2.export_output-version_v1", "example3.export_output-version_v1",
                           "example4.export_output-version_v1"}) {
    StatusOr<std::vector<ClientIntents>> clients = ParseClientIntents(Exported(name));
    ASSERT_THAT(clients, IsOk()) << name;
    EXPECT_EQ(YamlDocuments(*clients, DocumentVersion::kV1Alpha3) + "\n", Exported(name));
  }
  StatusOr<std::vector<ClientIntents>> json =
      ParseClientIntents(Exported("example3.export_format_json"));
  ASSERT_THAT(json, IsOk());
  EXPECT_EQ(JsonDocuments(*json) + "\n", Exported("example3.export_format_json"));
  EXPECT_EQ(YamlDocuments(*json, DocumentVersion::kV2Beta1) + "\n", Exported("example3.export"));
}

TEST(IntentsFile, TheVersionsSayTheSame) {
  StatusOr<std::vector<ClientIntents>> v1 =
      ParseClientIntents(Exported("example3.export_output-version_v1"));
  StatusOr<std::vector<ClientIntents>> v2 = ParseClientIntents(Exported("example3.export"));
  ASSERT_THAT(v1, IsOk());
  ASSERT_THAT(v2, IsOk());
  EXPECT_TRUE(Compare(*v1, *v2).Empty());
}

TEST(IntentsFile, AnEmptyExportIsAnEmptyMap) {
  for (const char* text : {"", "\n", "[]", "[]\n", "---\n", " \n# nothing\n"}) {
    StatusOr<std::vector<ClientIntents>> clients = ParseClientIntents(text);
    ASSERT_THAT(clients, IsOk()) << text;
    EXPECT_TRUE(clients->empty()) << text;
  }
}

TEST(IntentsFile, RefusesWhatIsNoExport) {
  const std::string nested(100'000, '[');
  for (const std::string& text :
       {std::string("kind: Deployment"), std::string("just words"),
        std::string("- kind: ClientIntents"), std::string("[1]"),
        std::string("[{\"kind\":\"ClientIntents\"}"), std::string("a: b: c"),
        std::string("kind: ClientIntents\nspec: {workload: {kind: x}}"), nested, "x: " + nested,
        std::string(
            "kind: ClientIntents\nspec:\n  workload: {name: a}\n  targets: [{gcp: {resource: b}}]"),
        std::string("[null]"), std::string("? [a]\n: b"), std::string(","),
        std::string("kind: ClientIntents\n--- ,"), std::string("a: &a [*a]")}) {
    EXPECT_THAT(ParseClientIntents(text), StatusIs(StatusCode::kInvalidArgument, testing::_))
        << text.substr(0, 60);
  }
}

TEST(IntentsFile, AliasesDoNotMakeMuchOfLittle) {
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 20; ++i) {
    bomb += fmt::format(
        "a{0}: &a{0} [*a{1},*a{1},*a{1},*a{1},*a{1},*a{1},*a{1},*a{1},*a{1},*a{1}]\n", i, i - 1);
  }
  EXPECT_THAT(ParseClientIntents(bomb),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("too large")));
}

TEST(IntentsFile, ReadsTheFilesOfADirectory) {
  TemporaryDirectory directory;
  directory.WriteFile("web.shop.yaml", Exported("example1.export"));
  directory.WriteFile("orders.json", Exported("example3.export_format_json"));
  directory.WriteFile("README", "not of this kind");
  StatusOr<std::vector<ClientIntents>> clients = ReadClientIntents(directory.Path().string());
  ASSERT_THAT(clients, IsOk());
  EXPECT_EQ(clients->size(), 3U);
  directory.WriteFile("bad.yml", "kind: Pod");
  EXPECT_THAT(ReadClientIntents(directory.Path().string()),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("bad.yml"), HasSubstr("not of kind ClientIntents"))));
  EXPECT_THAT(ReadClientIntents("/nonexistent"),
              StatusIs(StatusCode::kNotFound, HasSubstr("could not read")));
}

}  // namespace
}  // namespace network_mapper::cli
