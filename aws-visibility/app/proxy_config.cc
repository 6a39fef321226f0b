#include "aws-visibility/app/proxy_config.h"

#include <charconv>
#include <utility>

#include "common/config/original_options.h"
#include "common/kube/object_name.h"

namespace network_mapper::aws {

namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

void DeclareProxy(OptionTable& table, ProxyConfig& config) {
  constexpr std::string_view kGroup = "Proxy";
  table.Add("aws-proxy-port", &config.proxy_port, "Port for the pods' TLS connections to AWS")
      .Group(kGroup);
  table
      .Add("aws-http-port", &config.http_port,
           "Port for the pods' calls to AWS without TLS, which go on without TLS")
      .Group(kGroup);
  table
      .Add(
          "aws-max-connections", &config.max_connections,
          "Connections at a time; further ones are reset, and while there are so many /readyz says "
          "no, so that names lead to AWS again. Each takes two open files")
      .Min(1)
      .Max(1'000'000)
      .Group(kGroup);
  table
      .Add("aws-peer-connections", &config.peer_connections,
           "Connections of one address at a time; further ones are reset (0: a quarter of "
           "aws-max-connections)")
      .Max(1'000'000)
      .Group(kGroup);
  table
      .Add("aws-idle-timeout", &config.idle_timeout,
           "After how long without a byte a connection is ended; 0s: never. Calls of Lambda may "
           "take 15 minutes, and event streams be silent for longer")
      .Max(hours(24))
      .Group(kGroup);
  table
      .Add("aws-splice-duration", &config.splice_duration,
           "How long a client that does not trust the proxy's certificate is passed on to a name "
           "without a look inside")
      .Min(seconds(1))
      .Max(hours(24))
      .Group(kGroup);
  table
      .Add("aws-upstream-roots-file", &config.upstream_roots_file,
           "PEM file of the authorities that AWS's endpoints are certified by (default: the "
           "system's)")
      .Group(kGroup);
  table
      .Add("aws-own-name", &config.own_name,
           "DNS name of the proxy's Service, complete: names that lead back to it are refused")
      .Group(kGroup);
  table
      .Add("aws-upstream-override", &config.upstream_override_text,
           "For tests: address:port that all names lead to")
      .Group(kGroup);
  table
      .Add("aws-upstream-plain-text", &config.upstream_plain_text,
           "For tests: no TLS to aws-upstream-override")
      .Group(kGroup);
}

void DeclareAuthority(OptionTable& table, ProxyConfig& config) {
  constexpr std::string_view kGroup = "Certificate authority";
  table
      .Add("aws-ca-secret", &config.authority_secret,
           "Secret of this namespace with the authority's key, which all replicas share; it must "
           "exist, and is filled when it is empty")
      .Group(kGroup);
  table
      .Add("aws-ca-config-map", &config.authority_config_map,
           "ConfigMap of this namespace that the authority's certificates are published in; it "
           "must exist")
      .Group(kGroup);
  table
      .Add("aws-ca-file", &config.authority_file,
           "The same as aws-ca-secret in a file, for use without a cluster")
      .Group(kGroup);
  table
      .Add("aws-ca-certificate-file", &config.certificate_file,
           "The same as aws-ca-config-map in a file (PEM)")
      .Group(kGroup);
  table
      .Add("aws-ca-lifetime", &config.authority_lifetime,
           "How long an authority is good for. At 60 % the next one is published, at 80 % it "
           "signs: pods must have started anew in between")
      .Min(hours(1))
      .Max(hours(24) * 3650)
      .Group(kGroup);
  table.Add("kube-api-url", &config.kube_api_url, "API server, instead of the pod's own")
      .Group(kGroup);
  table.Add("kubeconfig", &config.kubeconfig, "Kubeconfig file, instead of the pod's own access")
      .Group(kGroup);
}

void DeclareReports(OptionTable& table, ProxyConfig& config) {
  constexpr std::string_view kGroup = "Reports";
  table.Add("aws-report-interval", &config.report_interval, "How often reports are made")
      .Min(milliseconds(100))
      .Max(minutes(5))
      .Group(kGroup);
  table
      .Add("aws-exact-objects", &config.exact_objects,
           "Objects of one S3 bucket that are named for a client; further ones are shown as "
           "BUCKET/*")
      .Max(10'000)
      .Group(kGroup);
  table.Add("node-name", &config.node_name, "Name of this node")
      .AlsoEnvironment("NODE_NAME")
      .Group(kGroup);
  table
      .Add("shutdown-grace", &config.shutdown_grace,
           "How long a stop may wait for connections to end, and then as long for the mapper to "
           "acknowledge")
      .Max(minutes(10))
      .Group(kGroup);
}

void DeclarePorts(OptionTable& table, ProxyConfig& config) {
  constexpr std::string_view kGroup = "Ports";
  table.Add("listen-address", &config.listen_address, "Address to listen on; empty for all")
      .Group(kGroup);
  table.Add("metrics-port", &config.metrics_port, "Port of /metrics").Group(kGroup);
  table.Add("health-probes-port", &config.health_probes_port, "Port of /healthz and /readyz")
      .Group(kGroup);
}

Status ReadOverride(ProxyConfig& config) {
  const std::string_view text = config.upstream_override_text;
  const size_t colon = text.rfind(':');
  std::string_view address = text.substr(0, std::min(colon, text.size()));
  if (address.starts_with('[') && address.ends_with(']')) {
    address = address.substr(1, address.size() - 2);
  }
  config.upstream_address = IpAddress::Parse(address);
  if (colon != std::string_view::npos) {
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data() + colon + 1, end, config.upstream_port);
    config.upstream_port = error == std::errc() && rest == end ? config.upstream_port : 0;
  }
  if (!config.upstream_address || config.upstream_port == 0) {
    return InvalidArgument(
        "option aws-upstream-override: \"{}\" is not address:port, such as 127.0.0.1:5000", text);
  }
  return OkStatus();
}

Status CheckPlaces(const ProxyConfig& config) {
  if (config.authority_secret.empty() == config.authority_file.empty()) {
    return InvalidArgument(
        "one of the options aws-ca-secret and aws-ca-file has to say where the certificate "
        "authority is kept");
  }
  if (!config.authority_config_map.empty() && !config.certificate_file.empty()) {
    return InvalidArgument(
        "options aws-ca-config-map and aws-ca-certificate-file exclude each other");
  }
  for (const auto& [option, name] : {std::pair("aws-ca-secret", config.authority_secret),
                                     std::pair("aws-ca-config-map", config.authority_config_map)}) {
    if (!name.empty() && !kube::IsSubdomainName(name)) {
      return InvalidArgument("option {}: \"{}\" is no name of a Kubernetes object", option, name);
    }
  }
  return OkStatus();
}

}  // namespace

void DeclareProxyOptions(OptionTable& table, ProxyConfig& config) {
  table.Add("debug", &config.debug, "Log at level debug");
  DeclareProxy(table, config);
  DeclareAuthority(table, config);
  DeclareReports(table, config);
  DeclareMapperOptions(table, config);
  DeclarePorts(table, config);
}

Status CheckProxyConfig(ProxyConfig& config) {
  RETURN_IF_ERROR(CheckMapperOptions(config));
  RETURN_IF_ERROR(CheckPlaces(config));
  if (!config.upstream_override_text.empty()) {
    RETURN_IF_ERROR(ReadOverride(config));
  } else if (config.upstream_plain_text) {
    return InvalidArgument(
        "option aws-upstream-plain-text needs aws-upstream-override: AWS itself is called as the "
        "pods "
        "call it");
  }
  if (!config.own_name.empty() && !kube::IsSubdomainName(config.own_name)) {
    return InvalidArgument("option aws-own-name: \"{}\" is no DNS name", config.own_name);
  }
  return OkStatus();
}

}  // namespace network_mapper::aws
