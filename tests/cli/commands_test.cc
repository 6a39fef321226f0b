#include "cli/commands.h"

#include <filesystem>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"
#include "tests/support/test_paths.h"

namespace network_mapper::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

struct Outcome {
  Status status;
  std::string out;
  std::string err;
  int exit_code = 1;
};

// Runs a command line against a mapper that gives `answer` with HTTP status `http_status`.
Outcome RunLine(std::vector<const char*> arguments, const std::string& answer,
                int http_status = 200) {
  arguments.insert(arguments.begin(), "network-mapper");
  const char* environment[] = {nullptr};
  CommandLineResult line =
      ParseCommandLine(static_cast<int>(arguments.size()), arguments.data(), environment);
  if (line.error) {
    return {
        .status = InvalidArgument("{}", line.error->message), .out = "", .err = line.error->usage};
  }
  std::ostringstream out;
  std::ostringstream err;
  CommandContext context{.connect = [&]() -> StatusOr<QueryTransport> {
                           return QueryTransport([&](const std::string&) -> StatusOr<HttpReply> {
                             return HttpReply{.status = http_status, .body = answer};
                           });
                         },
                         .out = out,
                         .err = err,
                         .program = "network-mapper"};
  StatusOr<int> exit_code = RunCommand(line.invocation->options, context);
  return {
      .status = exit_code.status(),
      .out = out.str(),
      .err = err.str(),
      .exit_code = exit_code.ok() ? *exit_code : ErrorExitCode(line.invocation->options.command)};
}

struct Golden {
  const char* example;
  const char* file;
  std::vector<const char*> arguments;
};

class GoldenOutput : public ::testing::TestWithParam<Golden> {};

TEST_P(GoldenOutput, IsByteForByteWhatTheOriginalPrints) {
  const Golden& golden = GetParam();
  std::string base = std::string("cli/") + golden.example + ".";
  Outcome outcome = RunLine(golden.arguments, ReadFileOrDie(TestDataPath(base + "answer.json")));
  ASSERT_THAT(outcome.status, IsOk());
  EXPECT_EQ(outcome.out, ReadFileOrDie(TestDataPath(base + golden.file + ".txt")));
  EXPECT_EQ(outcome.err, "");
}

INSTANTIATE_TEST_SUITE_P(
    CliFacts, GoldenOutput,
    ::testing::Values(
        Golden{"example1", "list", {"list"}}, Golden{"example1", "export", {"export"}},
        Golden{"example1",
               "export_as-kubernetes-service_n_shop",
               {"export", "--as-kubernetes-service", "-n", "shop"}},
        Golden{"example2", "list", {"list"}},
        Golden{"example2", "export_output-version_v1", {"export", "--output-version", "v1"}},
        Golden{"example3", "list", {"list"}}, Golden{"example3", "export", {"export"}},
        Golden{"example3", "export_output-version_v1", {"export", "--output-version", "v1"}},
        Golden{"example3", "export_format_json", {"export", "--format", "json"}},
        Golden{"example4", "list", {"list"}}, Golden{"example4", "export", {"export"}},
        Golden{"example4", "export_output-version_v1", {"export", "--output-version", "v1"}},
        Golden{"example5", "list", {"list"}}, Golden{"example5", "export", {"export"}},
        Golden{"example6", "list_distinct-by-label_team", {"list", "--distinct-by-label", "team"}},
        Golden{"example6",
               "export_distinct-by-label_team",
               {"export", "--distinct-by-label", "team"}}));

constexpr const char* kNothing = R"({"data":{"intents":[]}})";

TEST(Commands, SaysWhatToCheckWhenNothingIsFound) {
  Outcome list = RunLine({"list"}, kNothing);
  ASSERT_THAT(list.status, IsOk());
  EXPECT_EQ(list.out, "");
  EXPECT_THAT(list.err, AllOf(StartsWith("No connections found.\n"), HasSubstr("/readyz")));
  EXPECT_EQ(RunLine({"list", "-q"}, kNothing).err, "");
  EXPECT_EQ(RunLine({"export", "-q"}, kNothing).out, "\n");
  EXPECT_EQ(RunLine({"export", "-q", "--format", "json"}, kNothing).out, "[]\n");
}

TEST(Commands, ReportsAFailedQueryInsteadOfAnEmptyMap) {
  EXPECT_THAT(RunLine({"list"}, "oops", 500).status,
              StatusIs(StatusCode::kUnavailable, HasSubstr("500")));
  EXPECT_THAT(RunLine({"list"}, R"({"errors":[{"message":"broken"}],"data":null})").status,
              StatusIs(StatusCode::kUnavailable, HasSubstr("broken")));
  EXPECT_THAT(RunLine({"list"}, "not json").status,
              StatusIs(StatusCode::kUnavailable, HasSubstr("not JSON")));
}

TEST(Commands, RefusesContradictoryFlags) {
  EXPECT_THAT(RunLine({"export", "--server", "a.b", "-n", "c"}, kNothing).status,
              StatusIs(StatusCode::kInvalidArgument,
                       "server filter cannot be used with namespaces filter"));
  EXPECT_THAT(RunLine({"export", "--server", "a"}, kNothing).status,
              StatusIs(StatusCode::kInvalidArgument,
                       "invalid server filter. Expected format: <server-name>.<namespace>"));
  EXPECT_THAT(RunLine({"export", "--output-type", "dir"}, kNothing).status,
              StatusIs(StatusCode::kInvalidArgument,
                       "flag --output-type requires --output to specify output path"));
  EXPECT_THAT(
      RunLine({"export", "--output-version", "v3"}, kNothing).status,
      StatusIs(StatusCode::kInvalidArgument, "unexpected output version v3, use one of (v1, v2)"));
  EXPECT_THAT(RunLine({"export", "-o", "x", "--output-type", "zip"}, kNothing).status,
              StatusIs(StatusCode::kInvalidArgument,
                       "unexpected output type zip, use one of (single-file, dir)"));
  EXPECT_THAT(RunLine({"export", "--format", "xml"}, kNothing).status,
              StatusIs(StatusCode::kInvalidArgument,
                       "unexpected output format xml, use one of (json, yaml, iam-policy)"));
  EXPECT_THAT(
      RunLine({"list", "--format", "json"}, kNothing).status,
      StatusIs(
          StatusCode::kInvalidArgument,
          "json output format is not supported in 'list' command. Try using 'export' instead"));
  EXPECT_THAT(RunLine({"visualize", "--format", "gif", "-o", "x"}, kNothing).status,
              StatusIs(StatusCode::kInvalidArgument, "unsupported format: gif"));
}

TEST(Commands, ChecksTheFormatBeforeTheMapperIsAsked) {
  TemporaryDirectory directory;
  std::string folder = (directory.Path() / "intents").string();
  EXPECT_THAT(
      RunLine({"export", "-o", folder.c_str(), "--output-type", "dir", "--format", "xml"}, kNothing)
          .status,
      StatusIs(StatusCode::kInvalidArgument,
               "unexpected output format xml, use one of (json, yaml, iam-policy)"));
  EXPECT_FALSE(std::filesystem::exists(folder));
  Outcome list = RunLine({"list", "--format", "xml"}, kNothing);
  EXPECT_THAT(list.status, StatusIs(StatusCode::kInvalidArgument, HasSubstr("xml")));
  EXPECT_EQ(list.err, "");
}

TEST(Commands, SaysWhatALabelWithoutAValueLeavesOut) {
  std::string answer = ReadFileOrDie(TestDataPath("cli/example1.answer.json"));
  Outcome list = RunLine({"list", "--exclude-labels", "tier,team=blue"}, answer);
  ASSERT_THAT(list.status, IsOk());
  EXPECT_EQ(list.err,
            "--exclude-labels tier leaves out only workloads whose label tier is empty; write "
            "tier=VALUE for another value.\n");
  EXPECT_EQ(RunLine({"list", "-q", "--exclude-labels", "tier"}, answer).err, "");
}

// docs/regressions.md P20
TEST(Commands, ExportsIntoOneFileOrOneFilePerWorkload) {
  TemporaryDirectory directory;
  std::string answer = ReadFileOrDie(TestDataPath("cli/example1.answer.json"));
  std::string file = (directory.Path() / "intents.yaml").string();
  Outcome single = RunLine({"export", "-o", file.c_str()}, answer);
  ASSERT_THAT(single.status, IsOk());
  EXPECT_EQ(single.err, "Successfully wrote intents into " + file + "\n");
  EXPECT_EQ(ReadFileOrDie(file) + "\n", ReadFileOrDie(TestDataPath("cli/example1.export.txt")));

  std::string folder = (directory.Path() / "a/b").string();
  ASSERT_THAT(
      RunLine({"export", "-o", folder.c_str(), "--output-type", "dir", "-q"}, answer).status,
      IsOk());
  EXPECT_THAT(ReadFileOrDie(folder + "/web.shop.yaml"), HasSubstr("name: web"));
  EXPECT_THAT(ReadFileOrDie(folder + "/worker.shop.yaml"), HasSubstr("name: worker"));
  EXPECT_THAT(RunLine({"export", "-o", "/proc/nonexistent/x"}, answer).status,
              StatusIs(StatusCode::kNotFound, HasSubstr("could not write")));
}

TEST(Commands, PrintsPercentSignsLiterally) {
  std::string answer = R"({"data":{"intents":[{"client":{"name":"a","namespace":"x"},
    "server":{"name":"b","namespace":"x"},"httpResources":[{"path":"/a%20b","methods":["GET"]}]}]}})";
  EXPECT_THAT(RunLine({"export"}, answer).out, HasSubstr("- path: /a%20b\n"));
  EXPECT_THAT(RunLine({"export", "--format", "json"}, answer).out,
              HasSubstr(R"("path": "/a%20b")"));
}

TEST(Commands, QuotesOnlyWhatYamlWouldMisread) {
  std::string answer = R"({"data":{"intents":[{"client":{"name":"a","namespace":"x"},
    "server":{"name":"b","namespace":"x"},"httpResources":[
      {"path":"/x: y","methods":[]},{"path":"*","methods":["ALL"]},{"path":"/a#b","methods":["GET"]},
      {"path":"/<&>","methods":["GET"]}]}]}})";
  std::string yaml = RunLine({"export"}, answer).out;
  EXPECT_THAT(yaml, AllOf(HasSubstr("- path: \"/x: y\"\n"), HasSubstr("- path: \"*\"\n"),
                          HasSubstr("- path: /a#b\n")));
  EXPECT_THAT(RunLine({"export", "--format", "json"}, answer).out,
              HasSubstr("\"/\\u003c\\u0026\\u003e\""));
}

TEST(Commands, QuotesWhatAnyYamlReaderTakesForSomethingElse) {
  auto yaml_of = [](const std::string& path) {
    return RunLine({"export"},
                   R"({"data":{"intents":[{"client":{"name":"a","namespace":"x"},
    "server":{"name":"b","namespace":"x"},"httpResources":[{"path":")" +
                       path + R"(","methods":["GET"]}]}]}})")
        .out;
  };
  for (const char* text :
       {"0x10",  "0b11", "0o17", "010",  "1e3", ".5", "+1",        "-1",  "1_000",
        "1:30",  "~",    "Y",    "n",    "yEs", "NO", "oN",        "Off", "True",
        "fALSE", "NULL", ".inf", ".NaN", "=",   "<<", "2001-01-01"}) {
    EXPECT_THAT(yaml_of(text), HasSubstr(std::string("- path: \"") + text + "\"\n")) << text;
  }
  for (const char* text : {"cart", "redis-cart", "a1", "/a", "yes-man", "north", "e3", "x0"}) {
    EXPECT_THAT(yaml_of(text), HasSubstr(std::string("- path: ") + text + "\n")) << text;
  }
}

TEST(Commands, QuotesTheApiServerOfTheOldVersionWhereNeeded) {
  auto name_of = [](const std::string& service) {
    return RunLine({"export", "--output-version", "v1", "--as-kubernetes-service"},
                   R"({"data":{"intents":[{"client":{"name":"a","namespace":"x"},"server":{)"
                   R"("name":"other","namespace":"default","kubernetesService":")" +
                       service + R"("}}]}})")
        .out;
  };
  EXPECT_THAT(name_of("kubernetes"), HasSubstr("- name: svc:kubernetes.default\n"));
  EXPECT_THAT(name_of("kubernetes.default.x: y"),
              HasSubstr("- name: \"svc:kubernetes.default.x: y.default\"\n"));
}

TEST(Commands, LeavesNoHalfOfAMapBehindANameTooLongForAFile) {
  TemporaryDirectory directory;
  std::string folder = (directory.Path() / "out").string();
  std::string name(255, 'w');
  std::string answer = R"({"data":{"intents":[
    {"client":{"name":"a","namespace":"x"},"server":{"name":"b","namespace":"x"}},
    {"client":{"name":")" +
                       name + R"(","namespace":"x"},"server":{"name":"b","namespace":"x"}}]}})";
  EXPECT_THAT(RunLine({"export", "-o", folder.c_str(), "--output-type", "dir"}, answer).status,
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr(name), HasSubstr("longer than 255 bytes"))));
  EXPECT_FALSE(std::filesystem::exists(folder));
}

TEST(Commands, NamesTheFilterFirstWhenNothingMatches) {
  EXPECT_THAT(RunLine({"list", "-n", "nope"}, kNothing).err,
              StartsWith("No connections found.\nNothing matches --namespaces nope"));
  EXPECT_THAT(RunLine({"list"}, kNothing).err, Not(HasSubstr("Nothing matches")));
}

TEST(Commands, DrawsInTheFormatOfTheExtensionUnlessToldOtherwise) {
  TemporaryDirectory directory;
  std::string answer = ReadFileOrDie(TestDataPath("cli/example1.answer.json"));
  auto drawn = [&](const char* file, std::vector<const char*> more = {}) {
    std::string path = (directory.Path() / file).string();
    std::vector<const char*> line = {"visualize", "-q", "-o", path.c_str()};
    line.insert(line.end(), more.begin(), more.end());
    EXPECT_THAT(RunLine(line, answer).status, IsOk());
    return ReadFileOrDie(path);
  };
  EXPECT_THAT(drawn("map.svg"), HasSubstr("<svg"));
  EXPECT_THAT(drawn("map.DOT"), StartsWith("digraph"));
  EXPECT_THAT(drawn("map.JPEG"), StartsWith("\xff\xd8"));
  for (const char* file : {"map", "map.png", "map.picture", "svg"}) {
    EXPECT_THAT(drawn(file), StartsWith("\x89PNG")) << file;
  }
  EXPECT_THAT(drawn("map2.svg", {"--format", "png"}), StartsWith("\x89PNG"));
}

TEST(Commands, AFilteredResetNeverBecomesAWholeOne) {
  EXPECT_THAT(RunLine({"reset", "-n", "shop"}, "{}", 422).status,
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("Nothing was forgotten")));
}

TEST(Commands, SaysThatAMapperDoesNotTellHowCompleteItIs) {
  EXPECT_THAT(RunLine({"status"}, "{}", 422).status,
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("how complete")));
}

TEST(Commands, ResetsSilently) {
  Outcome outcome = RunLine({"reset"}, R"({"data":{"resetCapture":true}})");
  ASSERT_THAT(outcome.status, IsOk());
  EXPECT_EQ(outcome.out + outcome.err, "");
  EXPECT_THAT(RunLine({"reset"}, "x", 503).status,
              StatusIs(StatusCode::kUnavailable, HasSubstr("HTTP error status code: 503")));
}

}  // namespace
}  // namespace network_mapper::cli
