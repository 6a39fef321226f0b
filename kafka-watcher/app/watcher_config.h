// Configuration of the Kafka watcher: every option with its default. Filled by the option table
// once at start, immutable after.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/options.h"
#include "common/report/mapper_options.h"
#include "common/status/status.h"
#include "kafka-watcher/log/watched_log.h"

namespace network_mapper::kafka {

inline constexpr std::string_view kReadPodLogs = "k8s-logs";
inline constexpr std::string_view kReadFile = "file-logs";

struct WatcherConfig : MapperOptions {
  bool debug = false;
  std::string node_name;

  std::string read_mode{kReadPodLogs};
  std::vector<std::string> server_texts;
  // Filled from server_texts by CheckWatcherConfig.
  std::vector<BrokerName> servers;
  // A label selector each.
  std::vector<std::string> selectors;
  // Where the selectors look; empty: everywhere.
  std::vector<std::string> namespaces;
  std::string kube_api_url;
  std::string kubeconfig;

  std::string log_path = "/opt/otterize/kafka-watcher/authz.log";
  // Who writes the file.
  BrokerName file_server;

  std::string state_file;
  std::string state_config_map;

  std::chrono::nanoseconds report_interval = std::chrono::seconds(10);
  std::chrono::nanoseconds cooldown_interval = std::chrono::seconds(10);
  std::chrono::nanoseconds silence_notice = std::chrono::minutes(5);

  std::string listen_address;
  uint16_t metrics_port = 2112;
  uint16_t health_probes_port = 9090;
  std::chrono::nanoseconds shutdown_grace = std::chrono::seconds(10);

  bool ReadsFile() const { return read_mode == kReadFile; }
};

// Shown by --help above the options.
inline constexpr std::string_view kWatcherDescription =
    "Reads the authorizer's lines in the logs of Kafka brokers and KRaft controllers, and reports "
    "which client uses which topic how to the mapper.\n\n"
    "Name the pods:      network-mapper-kafka-watcher --kafka-servers 'kafka-0.kafka "
    "kafka-1.kafka'\n"
    "or choose them:     network-mapper-kafka-watcher --kafka-selector strimzi.io/kind=Kafka\n"
    "or read one's file: network-mapper-kafka-watcher --kafka-log-read-mode file-logs "
    "--kafka-authz-log-path /logs/kafka-authorizer.log --pod kafka-0 --namespace kafka\n\n"
    "Kafka writes such lines only with an authorizer, and those of allowed accesses only with its "
    "logger kafka.authorizer.logger at DEBUG. Watch the controllers, too: topics are created, "
    "deleted and altered there. With --state-file or --state-config-map a restart neither repeats "
    "nor misses a line.";

// Declares all options on `table`, bound to `config`.
void DeclareWatcherOptions(OptionTable& table, WatcherConfig& config);

// What the table cannot check; fills in what is derived.
Status CheckWatcherConfig(WatcherConfig& config);

}  // namespace network_mapper::kafka
