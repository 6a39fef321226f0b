#include "aws-visibility/app/proxy_app.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "aws-visibility/app/call_book.h"
#include "aws-visibility/app/text_file.h"
#include "aws-visibility/ca/aws_names.h"
#include "aws-visibility/ca/certificate_authority.h"
#include "aws-visibility/ca/published_certificates.h"
#include "aws-visibility/iam/answer_memory.h"
#include "aws-visibility/iam/recognizer.h"
#include "aws-visibility/proxy/aws_proxy.h"
#include "aws-visibility/proxy/recognizing_observer.h"
#include "common/build_info/build_info.h"
#include "common/concurrency/stop_wait.h"
#include "common/http/diagnostics_server.h"
#include "common/kube/client.h"
#include "common/log/log.h"
#include "common/program/descriptor_limit.h"
#include "common/report/report_client.h"

namespace network_mapper::aws {

namespace {

using std::chrono::milliseconds;

milliseconds InMilliseconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration_cast<milliseconds>(duration);
}

// Two open files each, and some for everything else: loops, diagnostics, the mapper, the cluster.
size_t MostConnections(const ProxyConfig& config, size_t descriptors) {
  constexpr size_t kReserve = 256;
  const size_t possible = descriptors > kReserve ? (descriptors - kReserve) / 2 : 0;
  const auto wanted = static_cast<size_t>(config.max_connections);
  if (possible >= wanted) {
    return wanted;
  }
  const size_t most = std::max<size_t>(possible, 1);
  LogWarn(
      "fewer connections are taken than option aws-max-connections says, for want of open files",
      {{"connections", most},
       {"aws_max_connections", wanted},
       {"open_files", descriptors},
       {"remedy", fmt::format("allow {} open files (the runtime's LimitNOFILE), or set "
                              "aws-max-connections to {}",
                              2 * wanted + kReserve, most)}});
  return most;
}

AwsProxyOptions ProxyOptions(const ProxyConfig& config, size_t most_connections) {
  AwsProxyOptions options;
  options.host = config.listen_address;
  options.port = config.proxy_port;
  options.http_port = config.http_port;
  options.is_api_endpoint = IsApiEndpoint;
  options.roots_file = config.upstream_roots_file;
  if (config.upstream_address) {
    options.upstream_override = UpstreamOverride{.address = *config.upstream_address,
                                                 .port = config.upstream_port,
                                                 .plain_text = config.upstream_plain_text};
  }
  options.own_name = config.own_name;
  options.most_connections = most_connections;
  options.most_peer_connections = config.peer_connections != 0
                                      ? static_cast<size_t>(config.peer_connections)
                                      : std::max<size_t>(most_connections / 4, 1);
  options.idle_timeout = InMilliseconds(config.idle_timeout);
  options.splice_duration = InMilliseconds(config.splice_duration);
  options.stop_grace = InMilliseconds(config.shutdown_grace);
  return options;
}

CallBookLimits BookLimits(const ProxyConfig& config) {
  CallBookLimits limits;
  limits.exact_objects = static_cast<size_t>(config.exact_objects);
  return limits;
}

}  // namespace

class ProxyApp::Implementation {
 public:
  Implementation(ProxyConfig config, const Clock& clock)
      : config_(std::move(config)),
        clock_(clock),
        book_metrics_(metrics_),
        book_(BookLimits(config_), book_metrics_, clock_) {}

  Status Start() {
    const size_t most_connections = MostConnections(config_, RaiseDescriptorLimit());
    if (!config_.authority_secret.empty() || !config_.authority_config_map.empty()) {
      ASSIGN_OR_RETURN(cluster_, kube::Client::Find("network-mapper-aws-proxy",
                                                    {.server_url = config_.kube_api_url,
                                                     .kubeconfig = config_.kubeconfig},
                                                    clock_));
    }
    authority_.emplace(AuthorityPlan{.title = "AWS visibility of the network mapper",
                                     .domains = AwsDomains(),
                                     .lifetime = std::chrono::duration_cast<std::chrono::seconds>(
                                         config_.authority_lifetime)},
                       OpenStore(), Publisher(), clock_);
    ReportClientOptions options = ClientOptions(config_);
    options.component = "aws-proxy";
    options.node_name = config_.node_name;
    options.version = Version();
    ASSIGN_OR_RETURN(client_, ReportClient::Create(options, metrics_));
    proxy_.emplace(ProxyOptions(config_, most_connections), *authority_, observer_, metrics_,
                   clock_);
    if (const Status started = proxy_->Start(); !started.ok()) {
      return Annotate(started, started.code() == StatusCode::kInvalidArgument
                                   ? "option aws-upstream-roots-file"
                                   : "option aws-proxy-port or aws-http-port");
    }
    keeper_ = std::jthread([this](const std::stop_token& stop) { authority_->Run(stop); });
    StartServers();
    LogInfo("AWS proxy started", {{"version", Version()},
                                  {"port", proxy_->Port()},
                                  {"http_port", proxy_->HttpPort()},
                                  {"mapper", config_.mapper_address},
                                  {"authority", config_.authority_secret.empty()
                                                    ? config_.authority_file
                                                    : "Secret " + config_.authority_secret}});
    if (config_.upstream_address) {
      LogWarn("all calls go to one address, not to AWS",
              {{"address", config_.upstream_override_text}, {"option", "aws-upstream-override"}});
    }
    return OkStatus();
  }

  Status Run(const std::stop_token& stop) {
    while (WaitUnlessStopped(stop, config_.report_interval)) {
      Report();
    }
    stopping_ = true;
    // What there is need not wait for the connections.
    Report();
    proxy_->Stop();
    Report();
    // Of its own: connections may have taken all of theirs.
    const SteadyTime deadline = clock_.SteadyNow() + config_.shutdown_grace;
    while (client_->State().spool_observations > 0 && clock_.SteadyNow() < deadline) {
      std::this_thread::sleep_for(milliseconds(50));
    }
    const ReportClientState state = client_->State();
    LogInfo("AWS proxy stopped", {{"acknowledged_observations", state.acknowledged_observations},
                                  {"unacknowledged_observations", state.spool_observations}});
    client_->Stop();
    return OkStatus();
  }

  uint16_t ProxyPort() const { return proxy_->Port(); }

  uint16_t MetricsPort() const { return diagnostics_ ? diagnostics_->MetricsPort() : 0; }

  uint16_t HealthPort() const { return diagnostics_ ? diagnostics_->HealthPort() : 0; }

 private:
  std::unique_ptr<AuthorityStore> OpenStore() const {
    return config_.authority_secret.empty()
               ? MakeFileAuthorityStore(config_.authority_file)
               : MakeSecretAuthorityStore(config_.authority_secret, cluster_);
  }

  PublishCertificates Publisher() const {
    if (!config_.authority_config_map.empty()) {
      return [cluster = cluster_,
              name = config_.authority_config_map](const std::string& certificates) {
        return PublishToConfigMap(*cluster, name, certificates);
      };
    }
    if (!config_.certificate_file.empty()) {
      return [path = config_.certificate_file](const std::string& certificates) {
        return WriteTextFile(path, certificates);
      };
    }
    return nullptr;
  }

  void Report() {
    std::vector<Observation> observations = book_.Take();
    if (!observations.empty() || !reported_) {
      // Once without any, so that the mapper knows of this collector.
      reported_ = true;
      client_->Report(observations, CollectorTotals{});
    }
  }

  // While this fails the Service has no endpoint, and DNS gives pods the real addresses.
  Status ProxyHealth() const { return stopping_ ? Unavailable("stopping") : proxy_->Ready(); }

  void StartServers() {
    std::vector<HealthCheck> readiness;
    readiness.push_back({.name = "proxy", .check = [this] { return ProxyHealth(); }});
    readiness.push_back({.name = "authority", .check = [this] { return authority_->Ready(); }});
    readiness.push_back({.name = "authority-store",
                         .check = [this] { return authority_->LastRefresh(); },
                         .essential = false});
    readiness.push_back(
        {.name = "mapper", .check = [this] { return client_->Connection(); }, .essential = false});
    diagnostics_.emplace(ProgramDiagnostics::Ports{.host = config_.listen_address,
                                                   .metrics = config_.metrics_port,
                                                   .health_probes = config_.health_probes_port},
                         metrics_, http_metrics_, std::vector<HealthCheck>(), std::move(readiness));
  }

  ProxyConfig config_;
  const Clock& clock_;
  MetricsRegistry metrics_;
  HttpServerMetrics http_metrics_{metrics_};
  CallBookMetrics book_metrics_;
  CallBook book_;
  AnswerMemory memory_;
  RecognizingObserver observer_{memory_, book_};
  std::shared_ptr<kube::Client> cluster_;
  std::optional<CertificateAuthority> authority_;
  std::unique_ptr<ReportClient> client_;
  std::optional<AwsProxy> proxy_;
  bool reported_ = false;
  std::atomic<bool> stopping_{false};
  std::jthread keeper_;
  // Declared last: it stops before what it asks.
  std::optional<ProgramDiagnostics> diagnostics_;
};

ProxyApp::ProxyApp(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}

ProxyApp::~ProxyApp() = default;

StatusOr<std::unique_ptr<ProxyApp>> ProxyApp::Create(const ProxyConfig& config,
                                                     const Clock& clock) {
  auto implementation = std::make_unique<Implementation>(config, clock);
  RETURN_IF_ERROR(implementation->Start());
  return std::unique_ptr<ProxyApp>(new ProxyApp(std::move(implementation)));
}

Status ProxyApp::Run(const std::stop_token& stop) {
  return implementation_->Run(stop);
}

uint16_t ProxyApp::ProxyPort() const {
  return implementation_->ProxyPort();
}

uint16_t ProxyApp::MetricsPort() const {
  return implementation_->MetricsPort();
}

uint16_t ProxyApp::HealthPort() const {
  return implementation_->HealthPort();
}

}  // namespace network_mapper::aws
