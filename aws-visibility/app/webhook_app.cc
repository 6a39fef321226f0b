#include "aws-visibility/app/webhook_app.h"

#include <fstream>
#include <optional>
#include <sstream>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "aws-visibility/app/serving_certificate.h"
#include "aws-visibility/webhook/pod_webhook.h"
#include "aws-visibility/webhook/webhook_configuration.h"
#include "common/build_info/build_info.h"
#include "common/concurrency/stop_wait.h"
#include "common/http/diagnostics_server.h"
#include "common/kube/client.h"
#include "common/log/log.h"

namespace network_mapper::aws {

namespace {

// The API server's limit of a request is 3 MiB; a review has the pod and what stands around it.
constexpr size_t kMostReviewBytes = size_t{4} << 20U;

StatusOr<std::string> ReadPublicRoots(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file || text.str().empty()) {
    return InvalidArgument("option public-roots-file: {} cannot be read or is empty", path);
  }
  return text.str();
}

PatchPlan PlanOf(const WebhookConfig& config, const std::string& own_namespace) {
  PatchPlan plan;
  plan.cluster_domain = config.cluster_domain;
  plan.node_searches = config.node_search_domains;
  plan.config_map = config.ca_config_map;
  plan.trust = config.trust;
  plan.excluded_namespaces = config.excluded_namespaces;
  plan.excluded_namespaces.push_back(own_namespace);
  return plan;
}

}  // namespace

class WebhookApp::Implementation {
 public:
  explicit Implementation(WebhookConfig config) : config_(std::move(config)) {}

  Status Start() {
    ASSIGN_OR_RETURN(cluster_, kube::Client::Find("network-mapper-aws-webhook",
                                                  {.server_url = config_.kube_api_url,
                                                   .kubeconfig = config_.kubeconfig}));
    ASSIGN_OR_RETURN(std::string roots, ReadPublicRoots(config_.public_roots_file));
    StartCertificate();
    gate_.emplace(config_.dns_service, config_.proxy_service, cluster_);
    copies_.emplace(config_.ca_config_map, std::move(roots), cluster_);
    webhook_.emplace(PlanOf(config_, cluster_->Namespace()), *gate_, *copies_, metrics_);
    HttpServerOptions options;
    options.host = config_.listen_address;
    options.port = config_.webhook_port;
    options.max_body_bytes = kMostReviewBytes;
    options.idle_timeout = std::chrono::seconds(90);
    options.metrics = &http_metrics_;
    options.tls = tls_;
    StatusOr<std::unique_ptr<HttpServer>> server = HttpServer::Start(
        options, [this](const HttpRequest& request) { return webhook_->Handle(request); });
    if (!server.ok()) {
      return Annotate(server.status(), "option webhook-port");
    }
    server_ = *std::move(server);
    StartDiagnostics();
    LogInfo(
        "AWS visibility webhook started",
        {{"version", Version()}, {"port", server_->Port()}, {"namespace", cluster_->Namespace()}});
    return OkStatus();
  }

  Status Run(const std::stop_token& stop) {
    {
      std::vector<std::jthread> loops;
      if (authority_) {
        loops.emplace_back([this](const std::stop_token& own) { authority_->Run(own); });
      }
      loops.emplace_back([this](const std::stop_token& own) { certificate_->Run(own); });
      loops.emplace_back([this](const std::stop_token& own) { gate_->Run(own); });
      loops.emplace_back([this](const std::stop_token& own) { copies_->Run(own); });
      while (WaitUnlessStopped(stop, std::chrono::hours(1))) {
      }
      // Answers what runs while all of it is still known.
      server_->Stop();
      for (std::jthread& loop : loops) {
        loop.request_stop();
      }
    }
    LogInfo("AWS visibility webhook stopped");
    return OkStatus();
  }

  uint16_t WebhookPort() const { return server_->Port(); }

  uint16_t MetricsPort() const { return diagnostics_ ? diagnostics_->MetricsPort() : 0; }

  uint16_t HealthPort() const { return diagnostics_ ? diagnostics_->HealthPort() : 0; }

 private:
  void StartCertificate() {
    if (config_.HasCertificateFiles()) {
      certificate_.emplace(config_.tls_cert_file, config_.tls_key_file, *tls_);
      return;
    }
    const std::string name =
        fmt::format("{}.{}.svc", config_.webhook_service, cluster_->Namespace());
    AuthorityPlan plan;
    plan.title = "AWS visibility webhook";
    plan.domains = {name};
    plan.lifetime = std::chrono::duration_cast<std::chrono::seconds>(config_.authority_lifetime);
    authority_.emplace(
        plan, MakeSecretAuthorityStore(config_.webhook_secret, cluster_),
        [cluster = cluster_,
         configuration = config_.webhook_configuration](const std::string& certificates) {
          return PublishToWebhookConfiguration(*cluster, configuration, certificates);
        });
    certificate_.emplace(*authority_, name, *tls_);
  }

  void StartDiagnostics() {
    std::vector<HealthCheck> readiness;
    readiness.push_back({.name = "certificate", .check = [this] { return certificate_->Ready(); }});
    // Without these it answers, and patches nothing.
    readiness.push_back({.name = "services",
                         .check = [this] { return gate_->Nameservers().status(); },
                         .essential = false});
    readiness.push_back(
        {.name = "bundle", .check = [this] { return copies_->Ready(); }, .essential = false});
    if (authority_) {
      readiness.push_back({.name = "authority",
                           .check = [this] { return authority_->LastRefresh(); },
                           .essential = false});
    }
    diagnostics_.emplace(ProgramDiagnostics::Ports{.host = config_.listen_address,
                                                   .metrics = config_.metrics_port,
                                                   .health_probes = config_.health_probes_port},
                         metrics_, http_metrics_, std::vector<HealthCheck>(), std::move(readiness));
  }

  const WebhookConfig config_;
  MetricsRegistry metrics_;
  HttpServerMetrics http_metrics_{metrics_};
  std::shared_ptr<kube::Client> cluster_;
  const std::shared_ptr<TlsServerContext> tls_ = std::make_shared<TlsServerContext>();
  std::optional<CertificateAuthority> authority_;
  std::optional<ServingCertificate> certificate_;
  std::optional<ServiceGate> gate_;
  std::optional<NamespaceCopies> copies_;
  std::optional<PodWebhook> webhook_;
  // Declared last: it stops before what it asks.
  std::unique_ptr<HttpServer> server_;
  std::optional<ProgramDiagnostics> diagnostics_;
};

WebhookApp::WebhookApp(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}

WebhookApp::~WebhookApp() = default;

StatusOr<std::unique_ptr<WebhookApp>> WebhookApp::Create(const WebhookConfig& config) {
  auto implementation = std::make_unique<Implementation>(config);
  RETURN_IF_ERROR(implementation->Start());
  return std::unique_ptr<WebhookApp>(new WebhookApp(std::move(implementation)));
}

Status WebhookApp::Run(const std::stop_token& stop) {
  return implementation_->Run(stop);
}

uint16_t WebhookApp::WebhookPort() const {
  return implementation_->WebhookPort();
}

uint16_t WebhookApp::HealthPort() const {
  return implementation_->HealthPort();
}

uint16_t WebhookApp::MetricsPort() const {
  return implementation_->MetricsPort();
}

}  // namespace network_mapper::aws
