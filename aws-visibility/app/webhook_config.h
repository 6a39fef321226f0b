// Configuration of the AWS visibility webhook: every option with its default. Filled by the option
// table once at start, immutable after.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/options.h"
#include "common/status/status.h"

namespace network_mapper::aws {

struct WebhookConfig {
  bool debug = false;

  std::string dns_service = "otterize-aws-visibility-dns";
  std::string proxy_service = "otterize-aws-visibility-proxy";
  std::string ca_config_map = "otterize-aws-visibility-ca";
  std::string public_roots_file = "/etc/ssl/certs/ca-certificates.crt";
  std::string cluster_domain = "cluster.local";
  std::vector<std::string> node_search_domains;
  std::string trust = "default";
  std::vector<std::string> excluded_namespaces{"kube-system"};

  std::string webhook_service = "otterize-aws-visibility-webhook";
  std::string webhook_configuration = "otterize-aws-visibility-webhook";
  std::string webhook_secret = "otterize-aws-visibility-webhook";
  std::chrono::nanoseconds authority_lifetime = std::chrono::hours(24) * 365 * 5;
  std::string tls_cert_file;
  std::string tls_key_file;

  std::string kube_api_url;
  std::string kubeconfig;

  std::string listen_address;
  uint16_t webhook_port = 9443;
  uint16_t metrics_port = 2112;
  uint16_t health_probes_port = 9090;

  bool HasCertificateFiles() const { return !tls_cert_file.empty(); }
};

// Shown by --help above the options.
inline constexpr std::string_view kWebhookDescription =
    "Patches pods with the label network-mapper.otterize.com/aws-visibility: \"true\" when they "
    "are "
    "made, such that their calls to AWS go through network-mapper-aws-proxy: our certificates as a "
    "volume, the variables by which AWS's SDKs find them, our DNS.\n\n"
    "It never refuses a pod, and patches none while the proxy or the DNS is not ready.";

// Declares all options on `table`, bound to `config`.
void DeclareWebhookOptions(OptionTable& table, WebhookConfig& config);

// What the table cannot check.
Status CheckWebhookConfig(const WebhookConfig& config);

}  // namespace network_mapper::aws
