#include "mapper/app/mapper_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace network_mapper {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

TEST(MapperConfig, TakesTheEnvironmentOfTheOriginalChart) {
  MapperConfig config;
  OptionTable table("network-mapper-mapper", "");
  DeclareMapperOptions(table, config);
  const char* argv[] = {"mapper"};
  const char* environment[] = {"OTTERIZE_EXCLUDE_NAMESPACES=istio-system linkerd",
                               "OTTERIZE_CONTROL_PLANE_IPV4_CIDR_PREFIX_LENGTH=28",
                               "OTTERIZE_UPLOAD_INTERVAL_SECONDS=60",
                               "OTTERIZE_TELEMETRY_ENABLED=false",
                               "OTTERIZE_METRICS_PORT=2113",
                               "OTTERIZE_NETWORK_MAPPER_PORT_9090_TCP=tcp://10.96.1.1:9090",
                               nullptr};
  ASSERT_THAT(table.Parse(1, argv, environment), IsOk());
  EXPECT_THAT(config.exclude_namespaces, ElementsAre("istio-system", "linkerd"));
  EXPECT_EQ(config.control_plane_ipv4_cidr_prefix_length, 28);
  EXPECT_EQ(config.metrics_port, 2113);
  EXPECT_THAT(table.IgnoredButSet(),
              UnorderedElementsAre("upload-interval-seconds", "telemetry-enabled"));
}

TEST(MapperConfig, NamesTheListenAddressAndNotAPort) {
  MapperConfig config;
  EXPECT_THAT(CheckMapperConfig(config), IsOk());
  config.listen_address = "127.0.0.1";
  EXPECT_THAT(CheckMapperConfig(config), IsOk());
  // The second is a documentation address, which no node has.
  for (const char* address : {"::1::", "192.0.2.1"}) {
    config.listen_address = address;
    EXPECT_THAT(CheckMapperConfig(config),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("option listen-address: ")));
  }
}

TEST(MapperConfig, RefusesALeaseThatCannotBe) {
  MapperConfig config;
  for (const char* name : {"mapper", "m.2-x", "9"}) {
    config.lease_name = name;
    EXPECT_THAT(CheckMapperConfig(config), IsOk()) << name;
  }
  for (const std::string& name : {std::string(), std::string("a/b"), std::string("Mapper"),
                                  std::string("-a"), std::string("a."), std::string(254, 'a')}) {
    config.lease_name = name;
    EXPECT_THAT(CheckMapperConfig(config),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("option lease-name: ")))
        << name;
  }
}

TEST(MapperConfig, RefusesCollectorAccountsThatCannotWork) {
  MapperConfig config;
  config.collector_service_accounts = {"otterize-system/otterize-network-sniffer"};
  EXPECT_THAT(CheckMapperConfig(config),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("needs tls-cert-file")));
  config.tls_cert_file = "tls.crt";
  config.tls_key_file = "tls.key";
  EXPECT_THAT(CheckMapperConfig(config), IsOk());
  config.token_audience.clear();
  EXPECT_THAT(CheckMapperConfig(config),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("token-audience")));
  config.token_audience = "network-mapper";
  for (const char* account : {"", "/", "sniffer", "a/", "/b", "a/b/c"}) {
    config.collector_service_accounts = {account};
    EXPECT_THAT(CheckMapperConfig(config),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("is not namespace/name")))
        << account;
  }
}

TEST(MapperConfig, RefusesAdminAccountsWhereAnyoneMayReport) {
  MapperConfig config;
  config.tls_cert_file = "tls.crt";
  config.tls_key_file = "tls.key";
  config.admin_service_accounts = {"otterize-system/admin"};
  EXPECT_THAT(CheckMapperConfig(config), StatusIs(StatusCode::kInvalidArgument,
                                                  HasSubstr("needs collector-service-accounts")));
  config.collector_service_accounts = {"otterize-system/otterize-network-sniffer"};
  EXPECT_THAT(CheckMapperConfig(config), IsOk());
  config.admin_service_accounts = {"admin"};
  EXPECT_THAT(CheckMapperConfig(config), StatusIs(StatusCode::kInvalidArgument,
                                                  HasSubstr("admin-service-accounts: \"admin\"")));
}

TEST(MapperConfig, KafkaWatchersHaveAccountsWhereCollectorsDo) {
  MapperConfig config;
  config.kafka_watcher_service_accounts = {"mapper/kafka-watcher"};
  EXPECT_THAT(CheckMapperConfig(config), StatusIs(StatusCode::kInvalidArgument,
                                                  HasSubstr("needs collector-service-accounts")));
  config.kafka_watcher_service_accounts = {"kafka-watcher"};
  EXPECT_THAT(CheckMapperConfig(config),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("kafka-watcher-service-accounts: \"kafka-watcher\"")));
}

}  // namespace
}  // namespace network_mapper
