#include "sniffer/app/sniffer_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace network_mapper::sniffer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Parsed {
  SnifferConfig config;
  Status status;
};

Parsed Parse(std::vector<const char*> arguments, std::vector<const char*> environment = {}) {
  Parsed parsed;
  OptionTable table("network-mapper-sniffer", "");
  DeclareSnifferOptions(table, parsed.config);
  arguments.insert(arguments.begin(), "sniffer");
  environment.push_back(nullptr);
  parsed.status =
      table.Parse(static_cast<int>(arguments.size()), arguments.data(), environment.data())
          .status();
  if (parsed.status.ok()) {
    parsed.status = CheckSnifferConfig(parsed.config);
  }
  return parsed;
}

TEST(SnifferConfig, FindsTheMapper) {
  EXPECT_EQ(Parse({}).config.mapper_address, "otterize-network-mapper:9091");
  EXPECT_EQ(Parse({"--mapper-address", "h:1"}).config.mapper_address, "h:1");
  EXPECT_EQ(Parse({}, {"OTTERIZE_MAPPER_API_URL=http://mapper:9090/query"}).config.mapper_address,
            "mapper:9091");
  EXPECT_EQ(Parse({"--mapper-api-url", "http://[fd00::1]:9090/query"}).config.mapper_address,
            "[fd00::1]:9091");
}

TEST(SnifferConfig, TakesTheEnvironmentOfTheOriginalChart) {
  Parsed parsed = Parse(
      {},
      {"OTTERIZE_HEALTH_PROBES_PORT=57921", "OTTERIZE_METRICS_PORT=2112",
       "OTTERIZE_SNIFFER_REPORT_INTERVAL=2s", "OTTERIZE_USE_EXTENDED_PROCFS_RESOLUTION=true",
       "OTTERIZE_TELEMETRY_USAGE_ENABLED=false", "NODE_NAME=node-1", "OTTERIZE_ENABLE_DNS=false"});
  ASSERT_THAT(parsed.status, IsOk());
  EXPECT_EQ(parsed.config.health_probes_port, 57921);
  EXPECT_EQ(parsed.config.report_interval, std::chrono::seconds(2));
  EXPECT_EQ(parsed.config.node_name, "node-1");
  EXPECT_FALSE(parsed.config.enable_dns);
}

TEST(SnifferConfig, ChecksWhatBelongsTogether) {
  EXPECT_THAT(Parse({"--tls-cert-file", "x"}).status,
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("tls-key-file")));
  EXPECT_THAT(Parse({"--tls-server-name", "mapper"}).status,
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("tls-ca-file")));
  EXPECT_THAT(
      Parse({"--enable-dns=false", "--enable-tcp=false", "--enable-socket-scanner=false"}).status,
      StatusIs(StatusCode::kInvalidArgument, HasSubstr("nothing to do")));
  EXPECT_THAT(Parse({"--dns-port", "53,none"}).status,
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("\"none\"")));
  EXPECT_THAT(Parse({"--dns-port", "53", "--dns-port", "5353"}).config.dns_ports,
              ElementsAre(53, 5353));
  EXPECT_THAT(Parse({"--interface", "any"}).config.interfaces, ElementsAre());
}

}  // namespace
}  // namespace network_mapper::sniffer
