// Configuration of the sniffer: every option with its default. Filled by the option table once at
// start, immutable after.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "common/config/options.h"
#include "common/report/mapper_options.h"
#include "common/status/status.h"

namespace network_mapper::sniffer {

struct SnifferConfig : MapperOptions {
  bool debug = false;
  std::string node_name;

  int64_t spool_bytes = 4 << 20;
  int64_t spool_observations = 50'000;

  // Empty or "any": all interfaces.
  std::vector<std::string> interfaces;
  std::vector<std::string> dns_port_texts = {"53"};
  // Filled from dns_port_texts by CheckSnifferConfig.
  std::vector<uint16_t> dns_ports;
  std::string read_pcap;
  int64_t pcap_buffer_bytes = 4 << 20;
  int64_t pcap_snapshot_bytes = 65535;

  // Empty: /hostproc if it exists, else /proc.
  std::string host_proc_dir;
  std::chrono::nanoseconds report_interval = std::chrono::seconds(1);
  std::chrono::nanoseconds attribution_interval = std::chrono::milliseconds(250);
  std::chrono::nanoseconds socket_refresh_interval = std::chrono::seconds(30);
  std::chrono::nanoseconds socket_scan_budget = std::chrono::milliseconds(2);

  bool enable_dns = true;
  bool enable_tcp = true;
  bool enable_socket_scanner = true;

  // Gives up capabilities and system calls that are not needed.
  bool confine = true;

  std::string listen_address;
  uint16_t metrics_port = 2112;
  uint16_t health_probes_port = 9090;
  std::chrono::nanoseconds shutdown_grace = std::chrono::seconds(3);
};

// Declares all options on `table`, bound to `config`.
void DeclareSnifferOptions(OptionTable& table, SnifferConfig& config);

// What the table cannot check: numbers in lists, files and flags that exclude each other; fills in
// what is derived.
Status CheckSnifferConfig(SnifferConfig& config);

}  // namespace network_mapper::sniffer
