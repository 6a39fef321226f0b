#include "mapper/app/mapper_config.h"

#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "common/config/original_options.h"
#include "common/kube/object_name.h"
#include "common/net/tcp_listener.h"

namespace network_mapper {

namespace {

void DeclareNetworkOptions(OptionTable& table, MapperConfig& config) {
  constexpr std::string_view kGroup = "Ports and TLS";
  table
      .Add("listen-address", &config.listen_address,
           "Address to listen on; empty for all, IPv4 and IPv6")
      .Group(kGroup);
  table.Add("port", &config.port, "Port of the GraphQL API, /healthz and /readyz").Group(kGroup);
  table
      .Add("read-only-port", &config.read_only_port,
           "One more port of the GraphQL API that refuses every mutation; 0: none")
      .Group(kGroup);
  table.Add("report-port", &config.report_port, "Port of the report stream (gRPC)").Group(kGroup);
  table.Add("metrics-port", &config.metrics_port, "Port of /metrics").Group(kGroup);
  table
      .Add("tls-cert-file", &config.tls_cert_file,
           "Certificate (PEM) for the report stream; without it, no TLS")
      .Group(kGroup);
  table.Add("tls-key-file", &config.tls_key_file, "Private key (PEM) of that certificate")
      .Group(kGroup);
  table
      .Add("tls-client-ca-file", &config.tls_client_ca_file,
           "Authority (PEM) whose client certificates collectors must show")
      .Group(kGroup);
  table
      .Add("collector-service-accounts", &config.collector_service_accounts,
           "ServiceAccounts (namespace/name) that may report: collectors must show a token of one, "
           "which the API server vouches for; empty: anyone may report")
      .Group(kGroup);
  table
      .Add("kafka-watcher-service-accounts", &config.kafka_watcher_service_accounts,
           "ServiceAccounts (namespace/name) that may report what Kafka's clients do, from any "
           "node, and nothing else; only together with collector-service-accounts")
      .Group(kGroup);
  table
      .Add("aws-proxy-service-accounts", &config.aws_proxy_service_accounts,
           "ServiceAccounts (namespace/name) that may report what workloads do in AWS, and nothing "
           "else; only together with collector-service-accounts")
      .Group(kGroup);
  table.Add("token-audience", &config.token_audience, "Audience that tokens must be issued for")
      .Group(kGroup);
  table
      .Add("admin-service-accounts", &config.admin_service_accounts,
           "ServiceAccounts (namespace/name) whose token a reset needs; only together with "
           "collector-service-accounts, and then empty means: nobody may")
      .Group(kGroup);
  table
      .Add(
          "unauthenticated-mutations", &config.unauthenticated_mutations,
          "Take reports and resets on --port of anybody, although collectors must show tokens; for "
          "the original's collectors and command line, which have none")
      .Group(kGroup);
}

void DeclareClusterOptions(OptionTable& table, MapperConfig& config) {
  constexpr std::string_view kGroup = "Cluster";
  table
      .Add("kube-api-url", &config.kube_api_url,
           "API server without authentication, such as http://127.0.0.1:8001; default: kubeconfig, "
           "then the pod's "
           "service account")
      .Group(kGroup);
  table
      .Add("kubeconfig", &config.kubeconfig,
           "Kubeconfig file (default: $KUBECONFIG, then the service account, then ~/.kube/config)")
      .Group(kGroup);
  table.Add("context", &config.context, "Context of the kubeconfig; default: its current one")
      .Group(kGroup);
  table
      .Add("cluster-domain", &config.cluster_domain,
           "DNS suffix of names in the cluster; default: from /etc/resolv.conf, else cluster.local")
      .Group(kGroup);
  table
      .Add("control-plane-ipv4-cidr-prefix-length", &config.control_plane_ipv4_cidr_prefix_length,
           "Addresses that share so many bits with an API server's IPv4 endpoint belong to the "
           "control plane")
      .Min(0)
      .Max(32)
      .Group(kGroup);
  table
      .Add("control-plane-ipv6-cidr-prefix-length", &config.control_plane_ipv6_cidr_prefix_length,
           "The same for IPv6")
      .Min(0)
      .Max(128)
      .Group(kGroup);
  table
      .Add("address-history", &config.address_history,
           "How long it is remembered which pod held an address")
      .Min(std::chrono::seconds(10))
      .Group(kGroup);
}

void DeclareResolveOptions(OptionTable& table, MapperConfig& config) {
  constexpr std::string_view kGroup = "Resolving";
  table
      .Add("exclude-namespaces", &config.exclude_namespaces,
           "Intents whose client or server is in one of these namespaces are left out")
      .Group(kGroup);
  table
      .Add("workload-name-override-annotation", &config.workload_name_override_annotation,
           "Annotation on a pod that gives its workload's name")
      .Group(kGroup);
  table
      .Add("use-image-name-for-service-id-for-jobs", &config.use_image_name_for_service_id_for_jobs,
           "Name workloads of bare Jobs by their images")
      .Group(kGroup);
  table.Add("enable-dns", &config.enable_dns, "Use DNS observations").Group(kGroup);
  table.Add("enable-tcp", &config.enable_tcp, "Use TCP SYN observations").Group(kGroup);
  table.Add("enable-socket-scanner", &config.enable_socket_scanner, "Use socket scan observations")
      .Group(kGroup);
  table
      .Add("unresolved-hold", &config.unresolved_hold,
           "How long an observation of an unknown address waits for the inventory to catch up")
      .Max(std::chrono::minutes(10))
      .Group(kGroup);
}

void DeclareStoreOptions(OptionTable& table, MapperConfig& config) {
  constexpr std::string_view kGroup = "Store";
  table
      .Add("store", &config.store,
           "Where the map is kept: \"memory\", which ends with the mapper, \"sqlite:PATH\", a file "
           "that outlives it, or \"postgresql://USER@HOST:PORT/DATABASE\", which several mappers "
           "share; give the password by PGPASSWORD, or the whole by OTTERIZE_STORE")
      .Secret()
      .Group(kGroup);
  table
      .Add("lease-name", &config.lease_name,
           "Lease in the mapper's namespace by which mappers that share a store elect the one that "
           "collects what is to be collected once in a cluster; without a shared store there is "
           "none")
      .Group(kGroup);
  table
      .Add("retention", &config.retention,
           "Intents that were not seen for so long are forgotten; 0: they stay")
      .Group(kGroup);
}

void DeclareLimitOptions(OptionTable& table, MapperConfig& config) {
  constexpr std::string_view kGroup = "Limits";
  table
      .Add(
          "queue-observations", &config.queue_observations,
          "Observations that may wait for the resolver; a full queue pushes back on the collectors")
      .Min(1000)
      .Group(kGroup);
  table.Add("max-streams", &config.max_streams, "Report streams at a time").Min(1).Group(kGroup);
  table.Add("max-request-bytes", &config.max_request_bytes, "Largest body of a request to the API")
      .Min(1024)
      .Group(kGroup);
  table
      .Add("peer-streams", &config.peer_streams,
           "Report streams, and their connections, of one address; behind address translation many "
           "nodes have one")
      .Min(1)
      .Group(kGroup);
  table
      .Add("peer-connections", &config.peer_connections,
           "Connections to the API of one address; a further one takes the place of an idle one")
      .Min(1)
      .Group(kGroup);
  table
      .Add("peer-requests-per-second", &config.peer_requests_per_second,
           "GraphQL requests of one address, loopback excepted, with twice as many at once; behind "
           "the API server's proxy all users have one; 0: no limit")
      .Min(0)
      .Group(kGroup);
  table
      .Add("shutdown-grace", &config.shutdown_grace,
           "How long a stop may wait for work in progress")
      .Group(kGroup);
}

void DeclareIstioOptions(OptionTable& table, MapperConfig& config) {
  constexpr std::string_view kGroup = "Istio";
  table
      .Add("enable-istio-collection", &config.enable_istio_collection,
           "Read the metrics of Istio's proxies, where there are any: HTTP calls with methods and "
           "paths (docs/istio.md)")
      .Group(kGroup);
  table
      .Add("istio-restrict-collection-to-namespace", &config.istio_namespace,
           "Only proxies of this namespace; empty: of all")
      .Group(kGroup);
  table
      .Add("istio-report-interval", &config.istio_report_interval,
           "How often each proxy is read at most; with more than some thousands it takes longer")
      .Min(std::chrono::seconds(1))
      .Group(kGroup);
  table
      .Add("istio-cooldown-interval", &config.istio_cooldown_interval,
           "How much of that interval no proxy is read")
      .Group(kGroup);
  table
      .Add("istio-metric-fetch-timeout", &config.istio_fetch_timeout,
           "How long the answer of a proxy may take")
      .Min(std::chrono::milliseconds(100))
      .Group(kGroup);
  table
      .Add("istio-exec-fallback", &config.istio_exec_fallback,
           "Read proxies whose metrics are for their own pod only (forbidden) by pods/exec of "
           "pilot-agent; the mapper needs that right (chart: istioExecFallback)")
      .Group(kGroup);
  table
      .Add("istio-exec-interval", &config.istio_exec_interval,
           "How often such a proxy is read at most: each time starts a process")
      .Min(std::chrono::seconds(1))
      .Group(kGroup);
  table
      .Add("istio-method-labels", &config.istio_method_labels,
           "Labels that may hold a request's method, or method and path; the first one counts")
      .Group(kGroup);
  table
      .Add("istio-path-labels", &config.istio_path_labels,
           "Labels that may hold a request's path; the first one counts")
      .Group(kGroup);
  table
      .Add("istio-fold-ids", &config.istio_fold_ids,
           "Numbers, UUIDs and long hexadecimal words in paths become {id}")
      .Group(kGroup);
  table
      .Add("istio-report-since-start", &config.istio_report_since_start,
           "Also report what proxies counted before they were watched, as the original does")
      .Group(kGroup);
  table
      .Add("istio-max-series", &config.istio_max_series,
           "Series of all proxies together whose values are kept, 24 bytes each")
      .Min(1)
      .Group(kGroup);
  table
      .Add("istio-max-series-per-proxy", &config.istio_max_series_per_proxy,
           "The same of one proxy")
      .Min(1)
      .Group(kGroup);
  table
      .Add("istio-max-response-bytes", &config.istio_max_response_bytes,
           "Largest answer of a proxy")
      .Min(1024)
      .Group(kGroup);
  table
      .Add("istio-metrics-port", &config.istio_metrics_port,
           "Port of a proxy's metrics; the agent's, which comes next, is known from the pod")
      .Min(1)
      .Group(kGroup);
  table
      .Add("istio-metric-prefix", &config.istio_metric_prefix,
           "What stands before the metrics' names, for a plain Envoy that imitates Istio's")
      .Group(kGroup);
}

void DeclareIgnoredOptions(OptionTable& table) {
  constexpr std::string_view kNoCloud = "there is no cloud service to upload to";
  table.AddIgnored(kOriginalCloudOptions, kNoCloud);
  for (std::string_view name :
       {"upload-interval-seconds", "upload-batch-size", "service-cache-ttl-duration",
        "service-cache-size", "metrics-collection-traffic-cache-size",
        "webhook-services-cache-size"}) {
    table.AddIgnored(name, kNoCloud);
  }
  table.AddIgnored(kOriginalTelemetryOptions, "nothing is ever sent to anyone");
  for (std::string_view name : {"enable-otel-export", "otel-metric-name"}) {
    table.AddIgnored(name, "metrics are served to Prometheus instead");
  }
  for (std::string_view name :
       {"capture-external-traffic-enabled", "dns-cache-items-max-capacity",
        "dns-client-intents-update-enabled", "dns-client-intents-update-interval"}) {
    table.AddIgnored(name, "traffic that leaves the cluster is counted, not recorded");
  }
  table.AddIgnored("create-webhook-certificate", "there is no webhook");
  table.AddIgnored("time-server-has-to-live-before-we-trust-it",
                   "addresses are resolved as of the observation's time");
  table.AddIgnored("tcp-dest-resolve-only-control-plane-by-ip",
                   "had no effect in the original either");
  table.AddIgnored("health-probes-port", "health is served on --port");
  table.AddIgnored("mapper-api-url", "this is the mapper");
}

Status CheckServiceAccounts(std::string_view option, const std::vector<std::string>& accounts) {
  for (const std::string& account : accounts) {
    size_t slash = account.find('/');
    bool two_parts = slash != std::string::npos && slash > 0 && slash + 1 < account.size() &&
                     account.find('/', slash + 1) == std::string::npos;
    if (!two_parts) {
      return InvalidArgument("option {}: \"{}\" is not namespace/name", option, account);
    }
  }
  return OkStatus();
}

Status CheckTokens(const MapperConfig& config) {
  RETURN_IF_ERROR(
      CheckServiceAccounts("collector-service-accounts", config.collector_service_accounts));
  RETURN_IF_ERROR(CheckServiceAccounts("admin-service-accounts", config.admin_service_accounts));
  for (const auto& [option, accounts] :
       {std::pair("kafka-watcher-service-accounts", &config.kafka_watcher_service_accounts),
        std::pair("aws-proxy-service-accounts", &config.aws_proxy_service_accounts)}) {
    RETURN_IF_ERROR(CheckServiceAccounts(option, *accounts));
    if (!accounts->empty() && config.collector_service_accounts.empty()) {
      return InvalidArgument(
          "option {} needs collector-service-accounts: without it anyone may report anything",
          option);
    }
  }
  if (!config.admin_service_accounts.empty() && config.collector_service_accounts.empty()) {
    return InvalidArgument(
        "option admin-service-accounts needs collector-service-accounts: while anyone may report, "
        "anyone may reset");
  }
  if (!config.collector_service_accounts.empty() && config.tls_cert_file.empty()) {
    return InvalidArgument(
        "option collector-service-accounts needs tls-cert-file and tls-key-file: collectors send "
        "their tokens over TLS only");
  }
  if (config.token_audience.empty()) {
    return InvalidArgument("option token-audience must not be empty");
  }
  return OkStatus();
}

Status CheckLeaseName(const std::string& name) {
  return kube::IsSubdomainName(name)
             ? OkStatus()
             : InvalidArgument(
                   "option lease-name: \"{}\" is no name of an object: lower-case letters, "
                   "digits, '-' and '.' inside",
                   name);
}

// Tried by itself, so that a bad address is not taken for a fault of the first port.
Status CheckListenAddress(const std::string& address) {
  StatusOr<TcpListener> listener = ListenOnTcp(address, 0);
  if (!listener.ok()) {
    return InvalidArgument("option listen-address: cannot listen on \"{}\": {}", address,
                           StatusMessage(listener.status()));
  }
  close(listener->fd);
  return OkStatus();
}

}  // namespace

void DeclareMapperOptions(OptionTable& table, MapperConfig& config) {
  table.Add("debug", &config.debug, "Log at level debug");
  DeclareNetworkOptions(table, config);
  DeclareClusterOptions(table, config);
  DeclareResolveOptions(table, config);
  DeclareStoreOptions(table, config);
  DeclareIstioOptions(table, config);
  DeclareLimitOptions(table, config);
  DeclareIgnoredOptions(table);
}

bool IsPostgresStore(std::string_view store) {
  return std::any_of(std::begin(kPostgresStores), std::end(kPostgresStores),
                     [store](std::string_view prefix) { return store.starts_with(prefix); });
}

Status CheckMapperConfig(const MapperConfig& config) {
  if (config.tls_cert_file.empty() != config.tls_key_file.empty()) {
    return InvalidArgument(
        "options tls-cert-file and tls-key-file belong together: give both or neither");
  }
  if (!config.tls_client_ca_file.empty() && config.tls_cert_file.empty()) {
    return InvalidArgument("option tls-client-ca-file needs tls-cert-file and tls-key-file");
  }
  RETURN_IF_ERROR(CheckTokens(config));
  const bool has_path =
      config.store.starts_with(kSqliteStore) && config.store.size() > kSqliteStore.size();
  if (config.store != kMemoryStore && !has_path && !IsPostgresStore(config.store)) {
    // A mistyped one may hold a password.
    return InvalidArgument(
        "option store: \"{}...\" is none of \"memory\", \"sqlite:PATH\" and "
        "\"postgresql://USER@HOST:PORT/DATABASE\"",
        config.store.substr(0, config.store.find(':')));
  }
  RETURN_IF_ERROR(CheckLeaseName(config.lease_name));
  return CheckListenAddress(config.listen_address);
}

}  // namespace network_mapper
