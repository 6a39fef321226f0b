// Configuration of the AWS proxy: every option with its default. Filled by the option table once at
// start, immutable after.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/config/options.h"
#include "common/net/ip_address.h"
#include "common/report/mapper_options.h"
#include "common/status/status.h"

namespace network_mapper::aws {

struct ProxyConfig : MapperOptions {
  bool debug = false;
  std::string node_name;

  std::string listen_address;
  uint16_t proxy_port = 10443;
  uint16_t http_port = 10080;
  int64_t max_connections = 10'000;
  // 0: a quarter of them.
  int64_t peer_connections = 0;
  std::chrono::nanoseconds idle_timeout{0};
  std::chrono::nanoseconds splice_duration = std::chrono::minutes(10);
  std::string upstream_roots_file;
  // "address:port" that stands for AWS; for tests.
  std::string upstream_override_text;
  bool upstream_plain_text = false;
  // Of the proxy's own Service, so that it never calls itself.
  std::string own_name;

  std::string authority_secret;
  std::string authority_file;
  std::string authority_config_map;
  std::string certificate_file;
  std::chrono::nanoseconds authority_lifetime = std::chrono::hours(24) * 365 * 5;
  std::string kube_api_url;
  std::string kubeconfig;

  std::chrono::nanoseconds report_interval = std::chrono::seconds(10);
  int64_t exact_objects = 32;
  std::chrono::nanoseconds shutdown_grace = std::chrono::seconds(20);

  uint16_t metrics_port = 2112;
  uint16_t health_probes_port = 9090;

  // Filled from the texts by CheckProxyConfig.
  std::optional<IpAddress> upstream_address;
  uint16_t upstream_port = 0;
};

// Shown by --help above the options.
inline constexpr std::string_view kProxyDescription =
    "Stands between labelled pods and AWS: passes their calls on unchanged, and reports to the "
    "mapper which IAM actions on which resources each workload "
    "uses.\n\n"
    "DNS leads the pods' API-shaped AWS names here, and the webhook makes them trust the "
    "certificates that are made here; docs/aws-visibility.md says how, what "
    "the proxy can read, and how to undo it. Without a cluster:\n"
    "  network-mapper-aws-proxy --aws-ca-file /var/lib/aws-proxy/ca.json --aws-ca-certificate-file "
    "/var/lib/aws-proxy/ca.crt\n\n"
    "Bodies are read as far as they name resources, and never kept or logged; nor are credentials.";

// Declares all options on `table`, bound to `config`.
void DeclareProxyOptions(OptionTable& table, ProxyConfig& config);

// What the table cannot check; fills in what is derived.
Status CheckProxyConfig(ProxyConfig& config);

}  // namespace network_mapper::aws
