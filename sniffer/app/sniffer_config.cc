#include "sniffer/app/sniffer_config.h"

#include <charconv>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "common/config/original_options.h"

namespace network_mapper::sniffer {

namespace {

using std::chrono::milliseconds;

void DeclareSpoolOptions(OptionTable& table, SnifferConfig& config) {
  constexpr std::string_view kGroup = "Mapper";
  table.Add("spool-bytes", &config.spool_bytes, "Unacknowledged reports that are kept, in bytes")
      .Min(64 << 10)
      .Group(kGroup);
  table.Add("spool-observations", &config.spool_observations, "The same in observations")
      .Min(1000)
      .Group(kGroup);
}

void DeclareCaptureOptions(OptionTable& table, SnifferConfig& config) {
  constexpr std::string_view kGroup = "Capture";
  table.Add("enable-dns", &config.enable_dns, "Capture DNS answers").Group(kGroup);
  table.Add("enable-tcp", &config.enable_tcp, "Capture TCP handshakes").Group(kGroup);
  table.Add("enable-socket-scanner", &config.enable_socket_scanner, "Scan sockets through procfs")
      .Group(kGroup);
  table
      .Add(
          "interface", &config.interfaces,
          "Interfaces to capture on (default: all, also those that come later); each must exist at "
          "start and is captured again when it was gone")
      .Group(kGroup);
  table.Add("dns-port", &config.dns_port_texts, "Ports of DNS servers").Group(kGroup);
  table
      .Add("read-pcap", &config.read_pcap,
           "Report what a capture file holds and exit; addresses are resolved by the mapper as of "
           "the capture's times")
      .Group(kGroup);
  table
      .Add("pcap-buffer-bytes", &config.pcap_buffer_bytes,
           "Ring buffer that the kernel captures into")
      .Min(256 << 10)
      .Max(1 << 30)
      .Group(kGroup);
  table.Add("pcap-snapshot-bytes", &config.pcap_snapshot_bytes, "Bytes kept of a packet")
      .Min(256)
      .Max(65535)
      .Group(kGroup);
}

void DeclareProcfsOptions(OptionTable& table, SnifferConfig& config) {
  constexpr std::string_view kGroup = "Node";
  table.Add("node-name", &config.node_name, "Name of this node")
      .AlsoEnvironment("NODE_NAME")
      .Group(kGroup);
  table
      .Add("host-proc-dir", &config.host_proc_dir,
           "The node's procfs (default: /hostproc if it exists, else /proc)")
      .Group(kGroup);
  table
      .Add("sniffer-report-interval", &config.report_interval,
           "How often sockets are scanned and reports are made")
      .Min(milliseconds(100))
      .Max(std::chrono::minutes(5))
      .Group(kGroup);
  table
      .Add("attribution-interval", &config.attribution_interval,
           "How often it is looked which pod has which address")
      .Min(milliseconds(50))
      .Max(std::chrono::minutes(1))
      .Group(kGroup);
  table
      .Add("socket-refresh-interval", &config.socket_refresh_interval,
           "How often a connection that stays open is reported again")
      .Min(std::chrono::seconds(1))
      .Group(kGroup);
  table
      .Add("socket-scan-budget", &config.socket_scan_budget,
           "Time that a scan of sockets may take in a report interval, on average; namespaces that "
           "did not fit come first in the next, and those not looked at yet may take ten times as "
           "much")
      .Min(milliseconds(1))
      .Group(kGroup);
}

void DeclareIgnoredOptions(OptionTable& table) {
  table.AddIgnored("calls-timeout", "reports are a stream with acknowledgements");
  table.AddIgnored("hosts-mapping-refresh-interval", "see attribution-interval");
  table.AddIgnored("use-extended-procfs-resolution",
                   "pods are told apart by UID, not by host name");
  table.AddIgnored("packets-buffer-length",
                   "had no effect in the original either; see pcap-buffer-bytes");
  table.AddIgnored("workload-name-override-annotation", "workloads are named by the mapper");
  table.AddIgnored("use-image-name-for-service-id-for-jobs", "workloads are named by the mapper");
  table.AddIgnored(kOriginalCloudOptions, "there is no cloud service");
  table.AddIgnored(kOriginalTelemetryOptions, "nothing is ever sent to anyone but the mapper");
}

StatusOr<std::vector<uint16_t>> ParsePorts(const std::vector<std::string>& texts) {
  std::vector<uint16_t> ports;
  for (const std::string& text : texts) {
    uint16_t port = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size() || port == 0) {
      return InvalidArgument("option dns-port: \"{}\" is not a port (1 to 65535)", text);
    }
    ports.push_back(port);
  }
  return ports;
}

}  // namespace

void DeclareSnifferOptions(OptionTable& table, SnifferConfig& config) {
  table.Add("debug", &config.debug, "Log at level debug");
  DeclareMapperOptions(table, config);
  DeclareSpoolOptions(table, config);
  DeclareCaptureOptions(table, config);
  DeclareProcfsOptions(table, config);
  table.Add("confine", &config.confine,
            "Give up capabilities and system calls that are not needed; off for debuggers and "
            "sanitizers");
  constexpr std::string_view kGroup = "Ports";
  table.Add("listen-address", &config.listen_address, "Address to listen on; empty for all")
      .Group(kGroup);
  table.Add("metrics-port", &config.metrics_port, "Port of /metrics").Group(kGroup);
  table.Add("health-probes-port", &config.health_probes_port, "Port of /healthz and /readyz")
      .Group(kGroup);
  table
      .Add("shutdown-grace", &config.shutdown_grace,
           "How long a stop may wait for the mapper to acknowledge")
      .Group(kGroup);
  DeclareIgnoredOptions(table);
}

Status CheckSnifferConfig(SnifferConfig& config) {
  ASSIGN_OR_RETURN(config.dns_ports, ParsePorts(config.dns_port_texts));
  RETURN_IF_ERROR(CheckMapperOptions(config));
  if (config.host_proc_dir.empty()) {
    std::error_code ignored;
    config.host_proc_dir =
        std::filesystem::is_directory("/hostproc", ignored) ? "/hostproc" : "/proc";
  }
  if (config.interfaces == std::vector<std::string>{"any"}) {
    config.interfaces.clear();
  }
  if (!config.enable_dns && !config.enable_tcp && !config.enable_socket_scanner) {
    return InvalidArgument(
        "enable-dns, enable-tcp and enable-socket-scanner are all off: there is nothing to do");
  }
  if (!config.read_pcap.empty() && !config.enable_dns && !config.enable_tcp) {
    return InvalidArgument("read-pcap needs enable-dns or enable-tcp");
  }
  return OkStatus();
}

}  // namespace network_mapper::sniffer
