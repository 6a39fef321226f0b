#include "cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/test_paths.h"

namespace network_mapper::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

CommandLineResult Parse(std::vector<const char*> arguments,
                        std::vector<const char*> environment = {}) {
  arguments.insert(arguments.begin(), "/usr/local/bin/kubectl-network_mapper");
  environment.push_back(nullptr);
  return ParseCommandLine(static_cast<int>(arguments.size()), arguments.data(), environment.data());
}

TEST(CommandLine, FindsTheCommandBehindFlagsAndTheirValues) {
  CommandLineResult result =
      Parse({"-n", "list", "--mapper-url", "http://x", "export", "--server", "a.b"});
  ASSERT_TRUE(result.invocation.has_value());
  EXPECT_EQ(result.invocation->options.command, Command::kExport);
  EXPECT_THAT(result.invocation->options.namespaces, ElementsAre("list"));
  EXPECT_EQ(result.invocation->options.format, "yaml");
}

TEST(CommandLine, PrintsHelpWithoutACommand) {
  CommandLineResult result = Parse({});
  ASSERT_TRUE(result.invocation.has_value());
  EXPECT_THAT(result.invocation->text,
              AllOf(HasSubstr("kubectl network-mapper COMMAND"), HasSubstr("visualize")));
  EXPECT_THAT(Parse({"lits"}).invocation->text, HasSubstr("Commands:"));
  EXPECT_THAT(Parse({"list", "--help"}).invocation->text, HasSubstr("--namespaces"));
  EXPECT_THAT(Parse({"--version"}).invocation->text, StartsWith("kubectl network-mapper "));
}

TEST(CommandLine, NamesUnknownFlagsAndArguments) {
  CommandLineResult flag = Parse({"list", "--namesapces", "x"});
  ASSERT_TRUE(flag.error.has_value());
  EXPECT_THAT(flag.error->message,
              AllOf(StartsWith("unknown flag: --namesapces"), HasSubstr("--namespaces")));
  EXPECT_THAT(flag.error->usage, StartsWith("Usage:\n  kubectl network-mapper list [flags]\n"));
  EXPECT_EQ(Parse({"list", "x"}).error->message,
            "unknown command \"x\" for \"kubectl network-mapper list\"");
  EXPECT_EQ(Parse({"visualize"}).error->message, "required flag(s) \"output-path\" not set");
}

TEST(CommandLine, TakesFlagsFromEnvironmentAndFile) {
  TemporaryDirectory home;
  home.WriteFile(".otterize/config", "mapper-namespace: from-file\nsome-other-programs-key: 1\n");
  std::string home_variable = "HOME=" + home.Path().string();
  CommandLineResult result = Parse({"list"}, {home_variable.c_str(), "OTTERIZE_NAMESPACES=a b"});
  ASSERT_TRUE(result.invocation.has_value());
  EXPECT_THAT(result.invocation->options.namespaces, ElementsAre("a", "b"));
  EXPECT_EQ(result.invocation->options.mapper_namespace, "from-file");
}

TEST(CommandLine, CompletesCommandsAndFlags) {
  std::string bash = CompletionScript("bash", "network-mapper");
  EXPECT_THAT(bash, AllOf(HasSubstr("complete -F _network_mapper network-mapper"),
                          HasSubstr("list export visualize"), HasSubstr("--distinct-by-label")));
  EXPECT_THAT(CompletionScript("zsh", "network-mapper"), StartsWith("#compdef network-mapper\n"));
  EXPECT_TRUE(Parse({"completion", "fish"}).error.has_value());
  EXPECT_EQ(CompletionScript("bash", "kubectl network-mapper"), bash);
}

std::string CompleteForKubectl(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "/usr/bin/kubectl_complete-network_mapper");
  const char* nothing[] = {nullptr};
  return ParseCommandLine(static_cast<int>(arguments.size()), arguments.data(), nothing)
      .invocation->text;
}

TEST(CommandLine, CompletesForKubectl) {
  EXPECT_EQ(CompleteForKubectl({""}),
            "list\nexport\nvisualize\nexplain\ndiff\nstatus\nreset\ncompletion\n:4\n");
  EXPECT_EQ(CompleteForKubectl({"exp"}), "export\nexplain\n:4\n");
  EXPECT_EQ(CompleteForKubectl({"diff", "--evi"}), ":0\n");
  EXPECT_EQ(CompleteForKubectl({"list", "--evidence", "co"}), "connected\n:4\n");
  EXPECT_EQ(CompleteForKubectl({"status", "--format", ""}), "text\njson\n:4\n");
  EXPECT_EQ(CompleteForKubectl({"list", "--names"}), "--namespaces\n--namespace\n:4\n");
  EXPECT_EQ(CompleteForKubectl({"--context", "here", "export", "--format", ""}),
            "yaml\njson\niam-policy\n:4\n");
  EXPECT_EQ(CompleteForKubectl({"visualize", "-o", "ma"}), ":0\n");
  EXPECT_EQ(CompleteForKubectl({"list", "-n", "sh"}), ":4\n");
  EXPECT_EQ(CompleteForKubectl({}), ":4\n");
}

TEST(CommandLine, TakesKubectlsNamespaceFlag) {
  CommandLineResult result = Parse({"--namespace", "shop", "list", "--context", "here"});
  ASSERT_TRUE(result.invocation.has_value());
  EXPECT_EQ(result.invocation->options.command, Command::kList);
  EXPECT_THAT(result.invocation->options.namespaces, ElementsAre("shop"));
  EXPECT_EQ(result.invocation->options.context, "here");
}

}  // namespace
}  // namespace network_mapper::cli
