#include "common/config/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"
#include "tests/support/test_paths.h"

namespace network_mapper {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

struct Fields {
  bool debug = false;
  bool enable_dns = true;
  int64_t size = 10;
  uint16_t port = 9090;
  std::string address = "localhost";
  std::string mode = "fast";
  nanoseconds interval = seconds(1);
  std::vector<std::string> namespaces;
};

class OptionTableTest : public ::testing::Test {
 protected:
  OptionTableTest() {
    table_.Add("debug", &fields_.debug, "More logs");
    table_.Add("enable-dns", &fields_.enable_dns, "Capture DNS");
    table_.Add("size", &fields_.size, "A size").Min(1).Max(100);
    table_.Add("port", &fields_.port, "A port");
    table_.Add("address", &fields_.address, "An address").AlsoEnvironment("NODE_NAME");
    table_.Add("mode", &fields_.mode, "A mode").OneOf({"fast", "careful"});
    table_.Add("interval", &fields_.interval, "An interval").Min(milliseconds(100));
    table_.Add("exclude-namespaces", &fields_.namespaces, "Names")
        .Short('n')
        .AlsoFlag("exclude-namespace");
    table_.AddIgnored("client-id", "there is no cloud");
  }

  StatusOr<OptionTable::Outcome> Parse(std::vector<const char*> arguments,
                                       std::vector<const char*> environment = {}) {
    arguments.insert(arguments.begin(), "program");
    environment.push_back(nullptr);
    return table_.Parse(static_cast<int>(arguments.size()), arguments.data(), environment.data());
  }

  Fields fields_;
  OptionTable table_{"program", "Does things."};
};

TEST_F(OptionTableTest, KeepsDefaults) {
  ASSERT_THAT(Parse({}), IsOk());
  EXPECT_EQ(fields_.port, 9090);
  EXPECT_TRUE(fields_.enable_dns);
  EXPECT_EQ(table_.SourceOf("port"), "default");
}

TEST_F(OptionTableTest, TakesTheSecondSpellingOfAFlag) {
  ASSERT_THAT(Parse({"--exclude-namespace", "a", "--exclude-namespaces=b", "-n", "c"}), IsOk());
  EXPECT_THAT(fields_.namespaces, ElementsAre("a", "b", "c"));
  ASSERT_THAT(Parse({"--exclude-namespace="}), IsOk());
  EXPECT_THAT(fields_.namespaces, ElementsAre());
  EXPECT_THAT(Parse({"--exclude-namespaze", "a"}).status(), Not(IsOk()));
}

TEST_F(OptionTableTest, FlagWinsOverEnvironmentWinsOverFile) {
  TemporaryDirectory directory;
  auto file =
      directory.WriteFile("options.yaml", "port: 1\nsize: 1\naddress: from-file\n").string();
  ASSERT_THAT(
      Parse({"--config", file.c_str(), "--port", "3"}, {"OTTERIZE_PORT=2", "OTTERIZE_SIZE=2"}),
      IsOk());
  EXPECT_EQ(fields_.port, 3);
  EXPECT_EQ(fields_.size, 2);
  EXPECT_EQ(fields_.address, "from-file");
  EXPECT_EQ(table_.SourceOf("port"), "flag");
  EXPECT_EQ(table_.SourceOf("size"), "environment");
  EXPECT_EQ(table_.SourceOf("address"), "file");
}

TEST_F(OptionTableTest, ReadsEveryType) {
  ASSERT_THAT(Parse({"--debug", "--enable-dns=false", "--interval=1m30s", "--mode", "careful", "-n",
                     "a,b", "-n", "c"}),
              IsOk());
  EXPECT_TRUE(fields_.debug);
  EXPECT_FALSE(fields_.enable_dns);
  EXPECT_EQ(fields_.interval, seconds(90));
  EXPECT_EQ(fields_.mode, "careful");
  EXPECT_THAT(fields_.namespaces, ElementsAre("a", "b", "c"));
}

TEST_F(OptionTableTest, SplitsListsWhereTheirItemsMayNot) {
  std::vector<std::string> selectors;
  table_.Add("selector", &selectors, "Selectors").SeparatedBy(";");
  ASSERT_THAT(Parse({"--selector", "a=b,c in (d, e)", "--selector", "f;g"}), IsOk());
  EXPECT_THAT(selectors, ElementsAre("a=b,c in (d, e)", "f", "g"));
  ASSERT_THAT(Parse({}, {"OTTERIZE_SELECTOR=a in (b, c);d"}), IsOk());
  EXPECT_THAT(selectors, ElementsAre("a in (b, c)", "d"));
}

TEST_F(OptionTableTest, SplitsListsOfTheEnvironmentAtWhiteSpace) {
  ASSERT_THAT(
      Parse({}, {"OTTERIZE_EXCLUDE_NAMESPACES=istio-system linkerd", "OTTERIZE_ENABLE_DNS=0"}),
      IsOk());
  EXPECT_THAT(fields_.namespaces, ElementsAre("istio-system", "linkerd"));
  EXPECT_FALSE(fields_.enable_dns);
}

TEST_F(OptionTableTest, NamesTheCulpritAndTheNearestFlag) {
  EXPECT_THAT(Parse({"--prot", "3"}),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("--prot"), HasSubstr("Did you mean --port?"))));
  EXPECT_THAT(Parse({"--zzzzzzzzz"}),
              StatusIs(StatusCode::kInvalidArgument, Not(HasSubstr("Did you mean"))));
  EXPECT_THAT(Parse({"stray"}), StatusIs(StatusCode::kInvalidArgument, HasSubstr("\"stray\"")));
}

TEST_F(OptionTableTest, RefusesBadValuesWithTheirOrigin) {
  EXPECT_THAT(Parse({"--port", "70000"}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("option port (flag)")));
  EXPECT_THAT(Parse({"--size", "0"}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("out of range")));
  EXPECT_THAT(Parse({"--interval", "30"}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("500ms")));
  EXPECT_THAT(Parse({"--interval", "1ms"}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("at least 100ms")));
  EXPECT_THAT(Parse({"--mode", "carefull"}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("did you mean careful")));
  EXPECT_THAT(Parse({}, {"OTTERIZE_DEBUG=maybe"}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("OTTERIZE_DEBUG")));
  EXPECT_THAT(Parse({"--port"}), StatusIs(StatusCode::kInvalidArgument, HasSubstr("--port")));
}

TEST_F(OptionTableTest, RefusesSwitchesThatAreNeitherTrueNorFalse) {
  for (const char* value : {"maybe", "", "1e400", "-5", "2", "nan", "99999999999999999999", "="}) {
    for (const char* name : {"debug", "enable-dns", "help", "version"}) {
      std::string flag = std::string("--") + name + "=" + value;
      EXPECT_THAT(Parse({flag.c_str()}),
                  StatusIs(StatusCode::kInvalidArgument,
                           AllOf(HasSubstr(std::string("option ") + name + " (flag)"),
                                 HasSubstr(std::string("\"") + value + "\" is neither"))))
          << flag;
    }
  }
}

TEST_F(OptionTableTest, TakesTheSameWordsForSwitchesAsTheEnvironment) {
  for (const char* yes : {"1", "t", "true", "yes", "on"}) {
    fields_.debug = false;
    ASSERT_THAT(Parse({(std::string("--debug=") + yes).c_str()}), IsOk());
    EXPECT_TRUE(fields_.debug) << yes;
  }
  for (const char* no : {"0", "f", "false", "no", "off"}) {
    fields_.enable_dns = true;
    ASSERT_THAT(Parse({(std::string("--enable-dns=") + no).c_str()}), IsOk());
    EXPECT_FALSE(fields_.enable_dns) << no;
  }
  ASSERT_THAT(Parse({"--debug=false", "--debug"}), IsOk());
  EXPECT_TRUE(fields_.debug);
  EXPECT_EQ(*Parse({"--help=false"}), OptionTable::Outcome::kRun);
}

TEST_F(OptionTableTest, LeavesTheWordBehindASwitchAlone) {
  table_.AllowPositionals();
  ASSERT_THAT(Parse({"--debug", "list"}), IsOk());
  EXPECT_TRUE(fields_.debug);
  EXPECT_EQ(table_.Positionals().front(), "list");
}

TEST_F(OptionTableTest, TakesAnEmptyValueForWhatItIs) {
  EXPECT_THAT(Parse({"--port="}), StatusIs(StatusCode::kInvalidArgument,
                                           "option port (flag): \"\" is not a whole number"));
  EXPECT_THAT(Parse({"--interval="}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("option interval (flag): \"\"")));
  ASSERT_THAT(Parse({"--address="}), IsOk());
  EXPECT_EQ(fields_.address, "");
  EXPECT_THAT(Parse({"--port=", "80"}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("unexpected argument \"80\"")));
}

TEST_F(OptionTableTest, NamesTheFlagWhoseValueIsMissing) {
  EXPECT_THAT(Parse({"--port"}),
              StatusIs(StatusCode::kInvalidArgument, "option --port (flag) needs a value"));
}

TEST_F(OptionTableTest, RefusesADirectoryAndAKeyGivenTwice) {
  TemporaryDirectory directory;
  std::string path = directory.WriteFile("twice.yaml", "port: 1\nsize: 2\nport: 3\n").string();
  std::string parent = directory.Path().string();
  EXPECT_THAT(Parse({"--config", path.c_str()}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("key port is given twice")));
  EXPECT_THAT(Parse({"--config", parent.c_str()}),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr(parent), HasSubstr("is a directory"))));
}

TEST_F(OptionTableTest, RefusesUnknownKeysOfTheFile) {
  TemporaryDirectory directory;
  auto unknown = directory.WriteFile("a.yaml", "prt: 1\n").string();
  EXPECT_THAT(Parse({"--config", unknown.c_str()}),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("unknown key: prt"), HasSubstr("port"))));
  auto broken = directory.WriteFile("b.yaml", "a: [\n").string();
  EXPECT_THAT(Parse({"--config", broken.c_str()}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("not valid YAML")));
  EXPECT_THAT(Parse({"--config", "/nonexistent"}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("cannot be read")));
}

TEST_F(OptionTableTest, AcceptsNamesOfTheOriginalAndServiceVariablesOfKubernetes) {
  ASSERT_THAT(Parse({}, {"OTTERIZE_CLIENT_ID=x", "OTTERIZE_NETWORK_MAPPER_SERVICE_HOST=10.0.0.1",
                         "NODE_NAME=n1"}),
              IsOk());
  EXPECT_THAT(table_.IgnoredButSet(), ElementsAre("client-id"));
  EXPECT_EQ(fields_.address, "n1");
}

TEST_F(OptionTableTest, NamesVariablesThatLookMistyped) {
  ASSERT_THAT(Parse({}, {"OTTERIZE_EXCLUDE_NAMESPACE=a", "OTTERIZE_EXCLUDE_NAMESPACES=b",
                         "OTTERIZE_ENABLE_OTEL_EXPORT=true", "OTTERIZE_ADRESS=", "OTTERIZE_POD=a",
                         "OTHER_PROT=1", "NETWORK_MAPPER_PORT=9",
                         "NETWORK_MAPPER_COMPLETELY_ELSE=1", "NODE_NAME=n1"}),
              IsOk());
  std::vector<std::string> found;
  for (const OptionTable::MistypedVariable& variable : table_.MistypedVariables()) {
    found.push_back(variable.name + " " + variable.nearest);
  }
  EXPECT_THAT(found,
              ElementsAre("NETWORK_MAPPER_COMPLETELY_ELSE ", "NETWORK_MAPPER_PORT OTTERIZE_PORT",
                          "OTTERIZE_EXCLUDE_NAMESPACE OTTERIZE_EXCLUDE_NAMESPACES"));
}

TEST_F(OptionTableTest, VariablesThatKubernetesMakesOfServicesAreNoTypos) {
  ASSERT_THAT(
      Parse({}, {"NETWORK_MAPPER_SERVICE_HOST=10.0.0.1", "NETWORK_MAPPER_SERVICE_PORT=9090",
                 "NETWORK_MAPPER_SERVICE_PORT_HTTP=9090", "NETWORK_MAPPER_PORT=tcp://10.0.0.1:9090",
                 "NETWORK_MAPPER_PORT_9090_TCP=tcp://10.0.0.1:9090",
                 "NETWORK_MAPPER_PORT_9090_TCP_ADDR=10.0.0.1"}),
      IsOk());
  EXPECT_TRUE(table_.MistypedVariables().empty());
}

TEST_F(OptionTableTest, DescribesItself) {
  EXPECT_EQ(*Parse({"-h"}), OptionTable::Outcome::kHelp);
  EXPECT_THAT(table_.Help(), AllOf(HasSubstr("--interval duration"), HasSubstr("(default 1s)"),
                                   HasSubstr("OTTERIZE_")));
  EXPECT_THAT(table_.Markdown(),
              AllOf(HasSubstr("| `--port` | `OTTERIZE_PORT` | `9090` | A port |"),
                    HasSubstr("| `client-id` | there is no cloud |")));
}

TEST(NearestName, FindsTyposOnly) {
  EXPECT_EQ(NearestName("namesapces", {"namespaces", "name"}), "namespaces");
  EXPECT_FALSE(NearestName("completely-else", {"port"}).has_value());
}

}  // namespace
}  // namespace network_mapper
