#include "kafka-watcher/app/watcher_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace network_mapper::kafka {

namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Parsed {
  Status status;
  WatcherConfig config;
  std::vector<std::string> ignored;
};

Parsed Parse(std::vector<const char*> arguments, std::vector<const char*> environment = {}) {
  Parsed parsed;
  OptionTable table("network-mapper-kafka-watcher", kWatcherDescription);
  DeclareWatcherOptions(table, parsed.config);
  arguments.insert(arguments.begin(), "program");
  environment.push_back(nullptr);
  auto outcome =
      table.Parse(static_cast<int>(arguments.size()), arguments.data(), environment.data());
  parsed.status = outcome.ok() ? CheckWatcherConfig(parsed.config) : outcome.status();
  parsed.ignored = table.IgnoredButSet();
  return parsed;
}

std::vector<std::string> Names(const std::vector<BrokerName>& servers) {
  std::vector<std::string> names;
  for (const BrokerName& server : servers) {
    names.push_back(server.name_space + "/" + server.pod);
  }
  return names;
}

TEST(WatcherConfig, SaysWhatToDoWhenThereIsNothingToWatch) {
  EXPECT_THAT(Parse({}).status,
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("kafka-servers"), HasSubstr("kafka-selector"),
                             HasSubstr("kafka-log-read-mode"))));
}

TEST(WatcherConfig, TakesServersAsTheOriginalDid) {
  const Parsed parsed = Parse({}, {"OTTERIZE_KAFKA_SERVERS=kafka-0.kafka  kafka-1.kafka"});
  ASSERT_THAT(parsed.status, IsOk());
  EXPECT_THAT(Names(parsed.config.servers), ElementsAre("kafka/kafka-0", "kafka/kafka-1"));
  EXPECT_EQ(parsed.config.mapper_address, "otterize-network-mapper:9091");
  EXPECT_THAT(
      Names(
          Parse({"--kafka-servers", "a.b c.d,\te.f.g\n", "--kafka-servers", "a.b"}).config.servers),
      ElementsAre("b/a", "d/c", "g/e.f"));
}

TEST(WatcherConfig, NamesTheServerThatIsNone) {
  for (const char* bad : {"kafka-0", ".kafka", "kafka-0.", "Kafka.ns", "a/b.ns", "-a.ns"}) {
    const Parsed parsed = Parse({"--kafka-servers", "good.ns", "--kafka-servers", bad});
    EXPECT_THAT(parsed.status, StatusIs(StatusCode::kInvalidArgument,
                                        HasSubstr("\"" + std::string(bad) + "\" is not pod.nam")));
  }
}

TEST(WatcherConfig, TakesSelectorsWhole) {
  const Parsed parsed = Parse({"--kafka-selector", "app=kafka,tier=broker", "--kafka-selector",
                               "strimzi.io/kind=Kafka", "--kafka-namespaces", "a,b"});
  ASSERT_THAT(parsed.status, IsOk());
  EXPECT_THAT(parsed.config.selectors,
              ElementsAre("app=kafka,tier=broker", "strimzi.io/kind=Kafka"));
  EXPECT_THAT(parsed.config.namespaces, ElementsAre("a", "b"));
  EXPECT_THAT(Parse({"--kafka-servers", "a.b", "--kafka-namespaces", "c"}).status,
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("needs kafka-selector")));
}

TEST(WatcherConfig, NeedsToKnowWhoWritesAFile) {
  EXPECT_THAT(Parse({"--kafka-log-read-mode", "file-logs"}).status,
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("needs pod and namespace")));
  const Parsed parsed =
      Parse({"--kafka-log-read-mode=file-logs"}, {"OTTERIZE_POD=kafka-0", "OTTERIZE_NAMESPACE=ns"});
  ASSERT_THAT(parsed.status, IsOk());
  EXPECT_EQ(parsed.config.file_server.pod, "kafka-0");
  EXPECT_EQ(parsed.config.log_path, "/opt/otterize/kafka-watcher/authz.log");
  EXPECT_THAT(Parse({"--kafka-log-read-mode=file-logs", "--pod=a", "--namespace=b",
                     "--kafka-authz-log-path=x"})
                  .status,
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("no absolute path")));
  for (const char* other_mode : {"--kafka-servers=a.b", "--kafka-namespaces=streaming"}) {
    EXPECT_THAT(Parse({"--kafka-log-read-mode=file-logs", other_mode}).status,
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("named by pod and namespace")));
  }
  EXPECT_THAT(Parse({"--kafka-log-read-mode=journal"}).status,
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("kafka-log-read-mode")));
}

TEST(WatcherConfig, KeepsItsStateInOnePlace) {
  EXPECT_THAT(Parse({"--kafka-servers=a.b", "--state-file=/s", "--state-config-map=s"}).status,
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("exclude each other")));
  EXPECT_THAT(Parse({"--kafka-servers=a.b", "--state-config-map=../secrets/s"}).status,
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("no name of a ConfigMap")));
}

TEST(WatcherConfig, BearsTheOriginalsOtherOptions) {
  const Parsed parsed = Parse({"--kafka-servers=a.b"},
                              {"OTTERIZE_TELEMETRY_ENABLED=false", "OTTERIZE_CALLS_TIMEOUT=5s"});
  EXPECT_THAT(parsed.status, IsOk());
  EXPECT_THAT(parsed.ignored, ElementsAre("calls-timeout", "telemetry-enabled"));
  EXPECT_THAT(Parse({"--kafka-servers=a.b"}).ignored, IsEmpty());
}

}  // namespace

}  // namespace network_mapper::kafka
