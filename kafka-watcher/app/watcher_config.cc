#include "kafka-watcher/app/watcher_config.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/config/original_options.h"
#include "common/kube/object_name.h"
#include "common/text/utf8.h"

namespace network_mapper::kafka {

namespace {

using std::chrono::milliseconds;

// "pod.namespace"; a pod's own name may have dots, a namespace's has none.
StatusOr<BrokerName> ParseServer(std::string_view entry) {
  const size_t dot = entry.rfind('.');
  BrokerName server;
  if (dot != std::string_view::npos) {
    server = {.pod = std::string(entry.substr(0, dot)),
              .name_space = std::string(entry.substr(dot + 1))};
  }
  if (!kube::IsSubdomainName(server.pod) || !kube::IsLabelName(server.name_space)) {
    return InvalidArgument(
        "option kafka-servers: \"{}\" is not pod.namespace, such as kafka-0.kafka", entry);
  }
  return server;
}

// The original's servers stand in one text, with white space between them.
StatusOr<std::vector<BrokerName>> ParseServers(const std::vector<std::string>& texts) {
  constexpr std::string_view kSeparators = " \t\r\n,";
  std::vector<BrokerName> servers;
  for (std::string_view rest : texts) {
    while (true) {
      rest.remove_prefix(std::min(rest.find_first_not_of(kSeparators), rest.size()));
      if (rest.empty()) {
        break;
      }
      const std::string_view entry = rest.substr(0, rest.find_first_of(kSeparators));
      ASSIGN_OR_RETURN(BrokerName server, ParseServer(entry));
      const bool is_known =
          std::any_of(servers.begin(), servers.end(), [&server](const BrokerName& known) {
            return known.pod == server.pod && known.name_space == server.name_space;
          });
      if (!is_known) {
        servers.push_back(std::move(server));
      }
      rest.remove_prefix(entry.size());
    }
  }
  return servers;
}

void DeclareLogOptions(OptionTable& table, WatcherConfig& config) {
  constexpr std::string_view kGroup = "Logs";
  table
      .Add("kafka-log-read-mode", &config.read_mode,
           "k8s-logs: containers' logs, by the Kubernetes API; file-logs: a file")
      .OneOf({std::string(kReadPodLogs), std::string(kReadFile)})
      .Group(kGroup);
  table
      .Add(
          "kafka-servers", &config.server_texts,
          "k8s-logs: pods of brokers and controllers, as pod.namespace, with white space or commas "
          "between them")
      .Group(kGroup);
  table
      .Add("kafka-selector", &config.selectors,
           "k8s-logs: label selector of such pods, also of those that come later, such as "
           "strimzi.io/kind=Kafka or app=kafka,tier=broker; several are separated by \";\"")
      .SeparatedBy(";\n")
      .Group(kGroup);
  table
      .Add("kafka-namespaces", &config.namespaces,
           "k8s-logs: namespaces that selectors look in (default: all)")
      .Group(kGroup);
  table
      .Add("kafka-authz-log-path", &config.log_path,
           "file-logs: file that the authorizer writes; rotation is followed")
      .Group(kGroup);
  table.Add("pod", &config.file_server.pod, "file-logs: pod of the server that writes the file")
      .Group(kGroup);
  table.Add("namespace", &config.file_server.name_space, "file-logs: namespace of that pod")
      .Group(kGroup);
  table
      .Add(
          "kafka-cooldown-interval", &config.cooldown_interval,
          "How long to wait at most before a log that could not be read, or ended, is opened again")
      .Min(milliseconds(500))
      .Max(std::chrono::minutes(10))
      .Group(kGroup);
  table
      .Add("kafka-silence-notice", &config.silence_notice,
           "After how long without a line of the authorizer the log of this program and "
           "`network-mapper status` say so, with what to change in Kafka")
      .Min(std::chrono::seconds(1))
      .Group(kGroup);
  table.Add("kube-api-url", &config.kube_api_url, "API server, instead of the pod's own")
      .Group(kGroup);
  table.Add("kubeconfig", &config.kubeconfig, "Kubeconfig file, instead of the pod's own access")
      .Group(kGroup);
}

void DeclareReportOptions(OptionTable& table, WatcherConfig& config) {
  constexpr std::string_view kGroup = "Reports";
  table.Add("kafka-report-interval", &config.report_interval, "How often reports are made")
      .Min(milliseconds(100))
      .Max(std::chrono::minutes(5))
      .Group(kGroup);
  table
      .Add("state-file", &config.state_file,
           "File, on a volume that outlives the pod, of what a restarted watcher goes on from; "
           "without it or state-config-map, it begins at the end of the logs")
      .Group(kGroup);
  table
      .Add("state-config-map", &config.state_config_map,
           "The same in a ConfigMap of the watcher's namespace, which must exist")
      .Group(kGroup);
  table.Add("node-name", &config.node_name, "Name of this node")
      .AlsoEnvironment("NODE_NAME")
      .Group(kGroup);
  table
      .Add("shutdown-grace", &config.shutdown_grace,
           "How long a stop may wait for the mapper to acknowledge")
      .Group(kGroup);
}

void DeclarePorts(OptionTable& table, WatcherConfig& config) {
  constexpr std::string_view kGroup = "Ports";
  table.Add("listen-address", &config.listen_address, "Address to listen on; empty for all")
      .Group(kGroup);
  table.Add("metrics-port", &config.metrics_port, "Port of /metrics").Group(kGroup);
  table.Add("health-probes-port", &config.health_probes_port, "Port of /healthz and /readyz")
      .Group(kGroup);
}

void DeclareIgnored(OptionTable& table) {
  table.AddIgnored("calls-timeout", "reports are a stream with acknowledgements");
  table.AddIgnored(kOriginalCloudOptions, "there is no cloud service");
  table.AddIgnored(kOriginalTelemetryOptions, "nothing is ever sent to anyone but the mapper");
}

Status CheckPodLogs(WatcherConfig& config) {
  ASSIGN_OR_RETURN(config.servers, ParseServers(config.server_texts));
  if (config.servers.empty() && config.selectors.empty()) {
    return InvalidArgument(
        "nothing to watch: name the pods with kafka-servers (kafka-0.kafka), choose them with "
        "kafka-selector (strimzi.io/kind=Kafka), or read a file with kafka-log-read-mode "
        "file-logs");
  }
  for (const std::string& name_space : config.namespaces) {
    if (!kube::IsLabelName(name_space)) {
      return InvalidArgument("option kafka-namespaces: \"{}\" is no name of a namespace",
                             name_space);
    }
  }
  if (!config.namespaces.empty() && config.selectors.empty()) {
    return InvalidArgument(
        "option kafka-namespaces says where selectors look: it needs kafka-selector");
  }
  return OkStatus();
}

Status CheckFileLog(const WatcherConfig& config) {
  if (!config.server_texts.empty() || !config.selectors.empty() || !config.namespaces.empty()) {
    return InvalidArgument(
        "options kafka-servers, kafka-selector and kafka-namespaces are for kafka-log-read-mode "
        "k8s-logs; the server that writes a file is named by pod and namespace");
  }
  if (!kube::IsSubdomainName(config.file_server.pod) ||
      !kube::IsLabelName(config.file_server.name_space)) {
    return InvalidArgument(
        "kafka-log-read-mode file-logs needs pod and namespace: the pod of the Kafka server that "
        "writes the file; now they are \"{}\" and \"{}\"",
        config.file_server.pod, config.file_server.name_space);
  }
  if (!config.log_path.starts_with('/') || !IsUtf8(config.log_path)) {
    return InvalidArgument("option kafka-authz-log-path: \"{}\" is no absolute path",
                           config.log_path);
  }
  return OkStatus();
}

}  // namespace

void DeclareWatcherOptions(OptionTable& table, WatcherConfig& config) {
  table.Add("debug", &config.debug, "Log at level debug");
  DeclareLogOptions(table, config);
  DeclareReportOptions(table, config);
  DeclareMapperOptions(table, config);
  DeclarePorts(table, config);
  DeclareIgnored(table);
}

Status CheckWatcherConfig(WatcherConfig& config) {
  RETURN_IF_ERROR(CheckMapperOptions(config));
  if (!config.state_file.empty() && !config.state_config_map.empty()) {
    return InvalidArgument("options state-file and state-config-map exclude each other");
  }
  if (!config.state_config_map.empty() && !kube::IsSubdomainName(config.state_config_map)) {
    return InvalidArgument("option state-config-map: \"{}\" is no name of a ConfigMap",
                           config.state_config_map);
  }
  return config.ReadsFile() ? CheckFileLog(config) : CheckPodLogs(config);
}

}  // namespace network_mapper::kafka
