#include "aws-visibility/app/webhook_config.h"

#include <array>
#include <utility>

#include "common/kube/object_name.h"

namespace network_mapper::aws {

namespace {

void DeclarePatchOptions(OptionTable& table, WebhookConfig& config) {
  constexpr std::string_view kGroup = "Pods";
  table.Add("dns-service", &config.dns_service, "Service of our DNS, in the own namespace")
      .Group(kGroup);
  table.Add("proxy-service", &config.proxy_service, "Service of the proxy, in the own namespace")
      .Group(kGroup);
  table
      .Add(
          "ca-config-map", &config.ca_config_map,
          "ConfigMap that the proxy publishes its certificates in, and name of the copies in other "
          "namespaces")
      .Group(kGroup);
  table
      .Add("public-roots-file", &config.public_roots_file,
           "PEM file of the public authorities that pods shall go on trusting")
      .Group(kGroup);
  table.Add("cluster-domain", &config.cluster_domain, "Domain of the cluster's Services")
      .Group(kGroup);
  table
      .Add("node-search-domains", &config.node_search_domains,
           "Search domains that the nodes' resolv.conf has, for patched pods to keep, such as "
           "eu-west-1.compute.internal")
      .Group(kGroup);
  table
      .Add("trust", &config.trust,
           "Variables of pods without the annotation "
           "network-mapper.otterize.com/aws-visibility-trust; default: AWS_CA_BUNDLE and "
           "NODE_EXTRA_CA_CERTS; all: also SSL_CERT_FILE, REQUESTS_CA_BUNDLE, JAVA_TOOL_OPTIONS")
      .OneOf({"default", "all", "none"})
      .Group(kGroup);
  table
      .Add("excluded-namespaces", &config.excluded_namespaces,
           "Namespaces beside the own one whose pods are never patched")
      .Group(kGroup);
}

void DeclareCertificateOptions(OptionTable& table, WebhookConfig& config) {
  constexpr std::string_view kGroup = "Certificate";
  table.Add("webhook-service", &config.webhook_service, "Service that the API server calls us by")
      .Group(kGroup);
  table
      .Add("webhook-configuration", &config.webhook_configuration,
           "MutatingWebhookConfiguration whose caBundle is kept right")
      .Group(kGroup);
  table
      .Add("webhook-secret", &config.webhook_secret,
           "Secret, which must exist, of the authority of this webhook's own certificate")
      .Group(kGroup);
  table
      .Add("webhook-authority-lifetime", &config.authority_lifetime,
           "How long that authority lives; the next one is ready long before")
      .Min(std::chrono::hours(24))
      .Max(std::chrono::hours(24) * 365 * 20)
      .Group(kGroup);
  table
      .Add("tls-cert-file", &config.tls_cert_file,
           "PEM file of a certificate that somebody else makes and renews (cert-manager), who then "
           "looks after the caBundle, too")
      .Group(kGroup);
  table.Add("tls-key-file", &config.tls_key_file, "PEM file of its key").Group(kGroup);
  table.Add("kube-api-url", &config.kube_api_url, "API server, instead of the pod's own")
      .Group(kGroup);
  table.Add("kubeconfig", &config.kubeconfig, "Kubeconfig file, instead of the pod's own access")
      .Group(kGroup);
}

void DeclareWebhookPorts(OptionTable& table, WebhookConfig& config) {
  constexpr std::string_view kGroup = "Ports";
  table.Add("listen-address", &config.listen_address, "Address to listen on; empty for all")
      .Group(kGroup);
  table.Add("webhook-port", &config.webhook_port, "Port that the API server calls, by HTTPS")
      .Group(kGroup);
  table.Add("metrics-port", &config.metrics_port, "Port of /metrics").Group(kGroup);
  table.Add("health-probes-port", &config.health_probes_port, "Port of /healthz and /readyz")
      .Group(kGroup);
}

}  // namespace

void DeclareWebhookOptions(OptionTable& table, WebhookConfig& config) {
  table.Add("debug", &config.debug, "Log at level debug");
  DeclarePatchOptions(table, config);
  DeclareCertificateOptions(table, config);
  DeclareWebhookPorts(table, config);
}

Status CheckWebhookConfig(const WebhookConfig& config) {
  const std::array<std::pair<const char*, const std::string*>, 7> names{
      {{"dns-service", &config.dns_service},
       {"proxy-service", &config.proxy_service},
       {"ca-config-map", &config.ca_config_map},
       {"webhook-service", &config.webhook_service},
       {"webhook-configuration", &config.webhook_configuration},
       {"webhook-secret", &config.webhook_secret},
       {"cluster-domain", &config.cluster_domain}}};
  for (const auto& [option, name] : names) {
    if (!kube::IsSubdomainName(*name)) {
      return InvalidArgument("option {}: \"{}\" is no name", option, *name);
    }
  }
  // The name of a volume, too.
  if (!kube::IsLabelName(config.ca_config_map)) {
    return InvalidArgument("option ca-config-map: \"{}\" has a dot or is too long",
                           config.ca_config_map);
  }
  for (const std::string& domain : config.node_search_domains) {
    if (!kube::IsSubdomainName(domain)) {
      return InvalidArgument("option node-search-domains: \"{}\" is no domain", domain);
    }
  }
  for (const std::string& name_space : config.excluded_namespaces) {
    if (!kube::IsLabelName(name_space)) {
      return InvalidArgument("option excluded-namespaces: \"{}\" is no name of a namespace",
                             name_space);
    }
  }
  if (config.tls_cert_file.empty() != config.tls_key_file.empty()) {
    return InvalidArgument("options tls-cert-file and tls-key-file belong together");
  }
  return OkStatus();
}

}  // namespace network_mapper::aws
