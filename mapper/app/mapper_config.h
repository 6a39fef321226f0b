// Configuration of the mapper: every option with its default. Filled by the option table once at
// start, immutable after.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/options.h"
#include "common/status/status.h"

namespace network_mapper {

struct MapperConfig {
  bool debug = false;

  // Ports; 0 picks a free one. An empty address listens on all interfaces, both families.
  std::string listen_address;
  uint16_t port = 9090;
  uint16_t report_port = 9091;
  uint16_t metrics_port = 2112;
  // 0: none.
  uint16_t read_only_port = 0;

  // TLS of the report stream; off without a certificate.
  std::string tls_cert_file;
  std::string tls_key_file;
  std::string tls_client_ca_file;

  // "namespace/name" of the ServiceAccounts that may report; empty: anyone may.
  std::vector<std::string> collector_service_accounts;
  std::vector<std::string> kafka_watcher_service_accounts;
  std::vector<std::string> aws_proxy_service_accounts;
  // Those that may make the mapper forget, where that list is not empty.
  std::vector<std::string> admin_service_accounts;
  std::string token_audience = "network-mapper";
  // The API's mutations need no token all the same.
  bool unauthenticated_mutations = false;

  // The API server: by URL, by kubeconfig, or the pod's own service account.
  std::string kube_api_url;
  std::string kubeconfig;
  std::string context;

  // Empty: detected from the search list of /etc/resolv.conf, else "cluster.local".
  std::string cluster_domain;
  std::vector<std::string> exclude_namespaces;
  std::string workload_name_override_annotation = "intents.otterize.com/workload-name";
  bool use_image_name_for_service_id_for_jobs = false;
  int64_t control_plane_ipv4_cidr_prefix_length = 32;
  int64_t control_plane_ipv6_cidr_prefix_length = 128;

  // "memory", or "sqlite:" and the path of a file.
  std::string store = "memory";
  // The Lease in this namespace by which mappers that share a store elect a leader.
  std::string lease_name = "otterize-network-mapper";
  // How long an intent stays that is not seen any more; zero: for ever.
  std::chrono::nanoseconds retention{0};

  bool enable_dns = true;
  bool enable_tcp = true;
  bool enable_socket_scanner = true;

  // The Istio watcher. Empty namespace: all.
  bool enable_istio_collection = true;
  bool istio_exec_fallback = false;
  bool istio_fold_ids = false;
  bool istio_report_since_start = false;
  uint16_t istio_metrics_port = 15090;
  std::string istio_namespace;
  std::chrono::nanoseconds istio_report_interval = std::chrono::seconds(30);
  std::chrono::nanoseconds istio_cooldown_interval = std::chrono::seconds(15);
  std::chrono::nanoseconds istio_fetch_timeout = std::chrono::seconds(10);
  std::chrono::nanoseconds istio_exec_interval = std::chrono::minutes(2);
  std::vector<std::string> istio_method_labels = {"request_method", "request_operation"};
  std::vector<std::string> istio_path_labels = {"request_path", "request_url_path"};
  int64_t istio_max_series = 4'000'000;
  int64_t istio_max_series_per_proxy = 10'000;
  int64_t istio_max_response_bytes = 64 << 20;
  std::string istio_metric_prefix;

  // How long an observation of an unknown address waits for the inventory to catch up.
  std::chrono::nanoseconds unresolved_hold = std::chrono::seconds(10);
  // How long the inventory remembers who held an address.
  std::chrono::nanoseconds address_history = std::chrono::minutes(10);
  int64_t queue_observations = 200'000;
  int64_t max_streams = 20'000;
  int64_t max_request_bytes = 10 << 20;
  // Of one address. Behind a proxy or address translation many are one.
  int64_t peer_streams = 10'000;
  int64_t peer_connections = 512;
  int64_t peer_requests_per_second = 200;
  std::chrono::nanoseconds shutdown_grace = std::chrono::seconds(5);
};

inline constexpr std::string_view kMemoryStore = "memory";
inline constexpr std::string_view kSqliteStore = "sqlite:";
inline constexpr std::string_view kPostgresStores[] = {"postgres:", "postgresql:"};
// "postgres://..." or "postgresql://...".
bool IsPostgresStore(std::string_view store);

// Declares all options on `table`, bound to `config`.
void DeclareMapperOptions(OptionTable& table, MapperConfig& config);

// What the table cannot check: options that belong together, and whether the node has the listen
// address.
Status CheckMapperConfig(const MapperConfig& config);

}  // namespace network_mapper
