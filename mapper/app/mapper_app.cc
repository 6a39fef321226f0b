#include "mapper/app/mapper_app.h"

#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

#include "common/build_info/build_info.h"
#include "common/concurrency/stop_wait.h"
#include "common/http/diagnostics_server.h"
#include "common/kube/client.h"
#include "common/log/log.h"
#include "common/program/descriptor_limit.h"
#include "mapper/api/api_handler.h"
#include "mapper/app/cluster_domain.h"
#include "mapper/app/cluster_wide_collectors.h"
#include "mapper/app/istio_collector.h"
#include "mapper/app/proxy_exec.h"
#include "mapper/ingest/completeness.h"
#include "mapper/ingest/ledger_codec.h"
#include "mapper/ingest/observation_pipeline.h"
#include "mapper/ingest/report_server.h"
#include "mapper/ingest/token_reviewer.h"
#include "mapper/intents/intent_store.h"
#include "mapper/intents/postgres_database.h"
#include "mapper/intents/sqlite_database.h"
#include "mapper/inventory/inventory_feed.h"
#include "mapper/inventory/inventory_store.h"
#include "mapper/resolve/resolver.h"

namespace network_mapper {

namespace {

constexpr std::chrono::seconds kCompletenessInterval{5};
// After which other mappers take a mapper that is not heard in their database for gone.
constexpr std::chrono::seconds kLongestStoreLoss{30};
constexpr std::chrono::minutes kForgettingInterval{1};
constexpr std::chrono::minutes kForgettingTogetherInterval{60};

std::string ReadResolvConf() {
  std::ifstream file("/etc/resolv.conf");
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

InventoryOptions InventoryOptionsOf(const MapperConfig& config) {
  InventoryOptions options;
  options.history = config.address_history;
  options.control_plane_ipv4_prefix_length =
      static_cast<unsigned>(config.control_plane_ipv4_cidr_prefix_length);
  options.control_plane_ipv6_prefix_length =
      static_cast<unsigned>(config.control_plane_ipv6_cidr_prefix_length);
  options.use_image_name_for_jobs = config.use_image_name_for_service_id_for_jobs;
  return options;
}

ResolveOptions ResolveOptionsOf(const MapperConfig& config) {
  return {.cluster_domain = config.cluster_domain.empty() ? FindClusterDomain(ReadResolvConf())
                                                          : config.cluster_domain,
          .excluded_namespaces = config.exclude_namespaces,
          .dns_enabled = config.enable_dns,
          .tcp_enabled = config.enable_tcp,
          .socket_scan_enabled = config.enable_socket_scanner};
}

IstioCollectorOptions IstioOptionsOf(const MapperConfig& config) {
  IstioCollectorOptions options;
  options.name_space = config.istio_namespace;
  options.metrics_port = config.istio_metrics_port;
  istio::WatchOptions& watch = options.watch;
  watch.schedule = {.interval = config.istio_report_interval,
                    .pause = config.istio_cooldown_interval};
  watch.scrape.timeout = config.istio_fetch_timeout;
  watch.scrape.reader.method_labels = config.istio_method_labels;
  watch.scrape.reader.path_labels = config.istio_path_labels;
  watch.scrape.reader.fold_ids = config.istio_fold_ids;
  watch.scrape.reader.max_body = static_cast<size_t>(config.istio_max_response_bytes);
  watch.scrape.reader.metric_prefix = config.istio_metric_prefix;
  watch.command_interval = config.istio_exec_interval;
  watch.report_since_start = config.istio_report_since_start;
  watch.max_series = static_cast<size_t>(config.istio_max_series);
  watch.max_series_per_proxy = static_cast<size_t>(config.istio_max_series_per_proxy);
  watch.scope = config.istio_namespace;
  return options;
}

PipelineOptions PipelineOptionsOf(const MapperConfig& config) {
  PipelineOptions options;
  options.queue_observations = static_cast<size_t>(config.queue_observations);
  options.low_water_observations = options.queue_observations / 2;
  options.hold = config.unresolved_hold;
  options.stop_limit = config.shutdown_grace;
  return options;
}

ReportServerOptions ReportServerOptionsOf(const MapperConfig& config) {
  ReportServerOptions options;
  options.host = config.listen_address;
  options.port = config.report_port;
  options.max_streams = static_cast<size_t>(config.max_streams);
  options.max_streams_per_peer = static_cast<size_t>(config.peer_streams);
  options.tls = {.enabled = !config.tls_cert_file.empty(),
                 .certificate_file = config.tls_cert_file,
                 .key_file = config.tls_key_file,
                 .client_ca_file = config.tls_client_ca_file};
  return options;
}

}  // namespace

class MapperApp::Implementation {
 public:
  Implementation(const MapperConfig& config, const Clock& clock)
      : config_(config),
        clock_(clock),
        started_(clock.Now()),
        store_metrics_(metrics_),
        pipeline_metrics_(metrics_),
        completeness_metrics_(metrics_),
        api_metrics_(metrics_),
        http_metrics_(metrics_),
        inventory_(InventoryOptionsOf(config)),
        store_(IntentLimits(), store_metrics_),
        resolver_(ResolveOptionsOf(config)) {}

  Status Start() {
    metrics_
        .AddGauge("network_mapper_build_info", "Always 1.", {{"version", std::string(Version())}})
        .Set(1);
    ASSIGN_OR_RETURN(client_, kube::Client::Find("network-mapper-mapper",
                                                 {.server_url = config_.kube_api_url,
                                                  .kubeconfig = config_.kubeconfig,
                                                  .context = config_.context},
                                                 clock_));
    feed_.emplace(
        InventoryFeedParts{
            .client = *client_, .inventory = inventory_, .metrics = metrics_, .clock = clock_},
        DecoderOptions{.workload_annotation = config_.workload_name_override_annotation});
    RETURN_IF_ERROR(OpenStore());
    StartPipeline();
    StartClusterWideCollectors();
    RaiseDescriptorLimit();
    RETURN_IF_ERROR(StartReportServer());
    RETURN_IF_ERROR(StartApi());
    StartMetricsServer();
    LogInfo("mapper started", {{"version", Version()},
                               {"kubernetes", client_->Server()},
                               {"api_port", api_server_->Port()},
                               {"report_port", report_server_->Port()}});
    return OkStatus();
  }

  void Run(const std::stop_token& stop) {
    SteadyTime next_forgetting = clock_.SteadyNow() + kForgettingInterval;
    while (WaitUnlessStopped(stop, kCompletenessInterval)) {
      if (store_.IsShared()) {
        store_.Announce(EncodeLedger(Ledger()));
        pipeline_->HearElsewhere(NodesThatReport(OtherLedgers()));
      }
      completeness_metrics_.Set(HowComplete(), clock_.Now());
      if (clock_.SteadyNow() >= next_forgetting) {
        // All mappers that share a map read it anew when something was forgotten.
        next_forgetting += store_.IsShared() ? kForgettingTogetherInterval : kForgettingInterval;
        ForgetOldIntents();
      }
    }
    auto grace = std::chrono::duration_cast<std::chrono::milliseconds>(config_.shutdown_grace);
    cluster_wide_->Stop();
    report_server_->Shutdown(grace);
    pipeline_->Stop();
    api_server_->Stop();
    if (read_only_server_ != nullptr) {
      read_only_server_->Stop();
    }
    LogInfo("mapper stopped", {{"intents", store_.Size()}});
  }

  uint16_t ApiPort() const { return api_server_->Port(); }

  uint16_t ReadOnlyPort() const {
    return read_only_server_ == nullptr ? 0 : read_only_server_->Port();
  }

  uint16_t ReportPort() const { return report_server_->Port(); }

  uint16_t MetricsPort() const { return metrics_server_ ? metrics_server_->Port() : 0; }

 private:
  Status OpenStore() {
    if (config_.store == kMemoryStore) {
      return OkStatus();
    }
    ASSIGN_OR_RETURN(
        std::unique_ptr<IntentDatabase> database,
        IsPostgresStore(config_.store)
            ? OpenPostgresDatabase(config_.store, clock_.Now())
            : OpenSqliteDatabase(config_.store.substr(kSqliteStore.size()), clock_.Now()));
    const std::string name = database->Name();
    ASSIGN_OR_RETURN(
        const size_t unreadable,
        store_.Recover(std::move(database), clock_.SteadyNow() + config_.unresolved_hold));
    LogInfo("store opened", {{"store", name}, {"intents", store_.Size()}});
    if (unreadable > 0) {
      LogWarn("parts of the store cannot be read and are left out",
              {{"store", name}, {"rows", unreadable}});
    }
    return OkStatus();
  }

  void ForgetOldIntents() {
    if (config_.retention == std::chrono::nanoseconds(0)) {
      return;
    }
    const Time now = clock_.Now();
    const IntentSelection old{
        .client_namespaces = {},
        .last_seen_before = now - std::chrono::duration_cast<Time::duration>(config_.retention)};
    const StatusOr<size_t> forgotten = store_.Forget(old, now);
    if (!forgotten.ok()) {
      LogWarn("old intents cannot be forgotten now", {{"error", forgotten.status()}});
    } else if (*forgotten > 0) {
      LogInfo("intents forgotten",
              {{"intents", *forgotten}, {"reason", "not seen within --retention"}});
    }
  }

  Completeness HowComplete() const {
    return JudgeCompleteness({.map_since = store_.Since(),
                              .nodes = inventory_.NodeNames(),
                              .ledger = Ledger(),
                              .other_ledgers = OtherLedgers()});
  }

  std::vector<LedgerExtract> OtherLedgers() const {
    std::vector<LedgerExtract> others;
    for (const std::string& bytes : store_.Announcements()) {
      if (auto ledger = DecodeLedger(bytes)) {
        others.push_back(*std::move(ledger));
      }
    }
    return others;
  }

  LedgerExtract Ledger() const {
    return {.mapper_started = started_,
            .collectors = pipeline_->Collectors(),
            .sums = pipeline_->CollectorsTogether(),
            .kept_out = store_.KeptOut()};
  }

  void StartPipeline() {
    InventoryAccess access{
        .read =
            [this](const std::function<void(const InventoryView&)>& use) { inventory_.Read(use); },
        .version = [this] { return feed_->Version(); },
        .synced = [this] { return feed_->Synced().ok(); }};
    pipeline_.emplace(PipelineOptionsOf(config_), PipelineParts{.store = store_,
                                                                .resolver = resolver_,
                                                                .inventory = std::move(access),
                                                                .clock = clock_,
                                                                .metrics = pipeline_metrics_});
  }

  // What is collected here goes to the pipeline.
  std::vector<ClusterWideCollectors::Collector> ClusterWide() {
    if (!config_.enable_istio_collection) {
      return {};
    }
    const IstioCollectorOptions options = IstioOptionsOf(config_);
    if (config_.istio_exec_fallback) {
      proxy_exec_.emplace(*client_, options.watch.max_commands);
    }
    istio_.emplace(options,
                   IstioCollector::Parts{.inventory = inventory_,
                                         .synced = [this] { return feed_->Synced().ok(); },
                                         .sink = *pipeline_,
                                         .store = store_,
                                         .metrics = metrics_,
                                         .clock = clock_,
                                         .writer = LeaseIdentity(),
                                         .command = proxy_exec_ ? &*proxy_exec_ : nullptr});
    return {[this](const std::stop_token& stop) { istio_->Run(stop); }};
  }

  void StartClusterWideCollectors() {
    if (!store_.IsShared()) {
      cluster_wide_.emplace(ClusterWide());
      return;
    }
    cluster_wide_.emplace(ClusterWide(),
                          kube::LeaseElectionOptions{.name_space = client_->Namespace(),
                                                     .name = config_.lease_name,
                                                     .identity = LeaseIdentity(),
                                                     // What it collects would be lost.
                                                     .is_fit = [this] { return !HasLostStore(); }},
                          kube::LeaseElection::Dependencies{
                              .client = *client_, .metrics = metrics_, .clock = clock_});
  }

  bool HasLostStore() const {
    return pipeline_->StoreLostFor().value_or(std::chrono::nanoseconds(0)) > kLongestStoreLoss;
  }

  // Who has no store does not lead: that another mapper does, tells that it has one. Queries and
  // reports are better off there. When all have lost it, each answers with what it knows.
  Status StoreElsewhere() const {
    return !HasLostStore() || !cluster_wide_->AnotherLeads()
               ? OkStatus()
               : Unavailable(
                     "only this mapper has lost the store, {} s ago, the Service leads to the "
                     "others: {}",
                     std::chrono::ceil<std::chrono::seconds>(
                         pipeline_->StoreLostFor().value_or(std::chrono::nanoseconds(0)))
                         .count(),
                     StatusMessage(pipeline_->StoreHealth()));
  }

  Status StartReportServer() {
    IdentifyCollector identify;
    if (!config_.collector_service_accounts.empty()) {
      token_reviewer_.emplace(
          *client_, TokenRules{.audience = config_.token_audience,
                               .service_accounts = config_.collector_service_accounts,
                               .admin_service_accounts = config_.admin_service_accounts,
                               .kafka_service_accounts = config_.kafka_watcher_service_accounts,
                               .aws_service_accounts = config_.aws_proxy_service_accounts});
      identify = [this](std::string token, std::function<void(StatusOr<CollectorIdentity>)> done) {
        token_reviewer_->Identify(std::move(token), std::move(done));
      };
    }
    ASSIGN_OR_RETURN(report_server_,
                     ReportServer::Create(ReportServerOptionsOf(config_), *pipeline_, metrics_,
                                          std::move(identify)));
    return OkStatus();
  }

  std::vector<HealthCheck> Readiness() const {
    std::vector<HealthCheck> checks = {
        {.name = "inventory", .check = [this] { return feed_->Synced(); }},
        {.name = "watches", .check = [this] { return feed_->Watches(); }, .essential = false}};
    if (store_.IsDurable()) {
      checks.push_back({.name = "store",
                        .check = [this] { return pipeline_->StoreHealth(); },
                        .essential = false});
    }
    if (store_.IsShared()) {
      checks.push_back({.name = "store_elsewhere", .check = [this] { return StoreElsewhere(); }});
      checks.push_back({.name = "leader",
                        .check = [this] { return cluster_wide_->Health(); },
                        .essential = false,
                        .note = [this] { return cluster_wide_->Leader(); }});
    }
    if (istio_) {
      checks.push_back({.name = "istio",
                        .check = [this] { return istio_->Health(); },
                        .essential = false,
                        .note = [this] { return istio_->Note(); }});
    }
    if (token_reviewer_) {
      checks.push_back({.name = "collector_tokens",
                        .check = [this] { return token_reviewer_->Health(); },
                        .essential = false});
      checks.push_back({.name = "collectors",
                        .check = [this] { return report_server_->Collectors(); },
                        .essential = false});
    }
    return checks;
  }

  // Empty: anybody may change the map.
  CheckRole RoleCheck() {
    if (!token_reviewer_ || config_.unauthenticated_mutations) {
      return {};
    }
    return [this](Role role, std::string token) {
      return token_reviewer_->HasRole(role, std::move(token));
    };
  }

  Status StartApi() {
    api_.emplace(ApiRoot{.store = store_,
                         .sink = *pipeline_,
                         .metrics = api_metrics_,
                         .clock = clock_,
                         .completeness = [this] { return HowComplete(); }},
                 Readiness(),
                 ApiLimits{.check_role = RoleCheck(),
                           .peer_requests_per_second =
                               static_cast<double>(config_.peer_requests_per_second)});
    ASSIGN_OR_RETURN(api_server_, ServeApi(config_.port, "port", ApiAccess::kFull));
    if (config_.read_only_port != 0) {
      ASSIGN_OR_RETURN(read_only_server_,
                       ServeApi(config_.read_only_port, "read-only-port", ApiAccess::kReadOnly));
    }
    return OkStatus();
  }

  StatusOr<std::unique_ptr<HttpServer>> ServeApi(uint16_t port, const char* option,
                                                 ApiAccess access) {
    HttpServerOptions options;
    options.host = config_.listen_address;
    options.port = port;
    options.max_connections_per_peer = static_cast<size_t>(config_.peer_connections);
    options.max_body_bytes = static_cast<size_t>(config_.max_request_bytes);
    options.stop_timeout =
        std::chrono::duration_cast<std::chrono::milliseconds>(config_.shutdown_grace);
    options.metrics = &http_metrics_;
    StatusOr<std::unique_ptr<HttpServer>> server = HttpServer::Start(
        options,
        [this, access](const HttpRequest& request) { return api_->Handle(request, access); });
    return server.ok() ? std::move(server)
                       : Annotate(server.status(), fmt::format("option {}", option));
  }

  void StartMetricsServer() {
    DiagnosticsOptions options;
    options.metrics = &metrics_;
    options.readiness = Readiness();
    options.http_metrics = &http_metrics_;
    metrics_server_.emplace(PatientDiagnosticsServer::Address{config_.listen_address,
                                                              config_.metrics_port, "metrics-port"},
                            std::move(options));
  }

  // In the order of construction; torn down in reverse.
  MapperConfig config_;
  const Clock& clock_;
  const Time started_;
  MetricsRegistry metrics_;
  IntentStoreMetrics store_metrics_;
  PipelineMetrics pipeline_metrics_;
  CompletenessMetrics completeness_metrics_;
  ApiMetrics api_metrics_;
  HttpServerMetrics http_metrics_;
  Inventory inventory_;
  IntentStore store_;
  Resolver resolver_;
  std::unique_ptr<kube::Client> client_;
  std::optional<InventoryFeed> feed_;
  std::optional<ObservationPipeline> pipeline_;
  std::optional<ProxyExec> proxy_exec_;
  std::optional<IstioCollector> istio_;
  std::optional<ClusterWideCollectors> cluster_wide_;
  std::optional<TokenReviewer> token_reviewer_;
  std::unique_ptr<ReportServer> report_server_;
  std::optional<ApiHandler> api_;
  std::unique_ptr<HttpServer> api_server_;
  std::unique_ptr<HttpServer> read_only_server_;
  std::optional<PatientDiagnosticsServer> metrics_server_;
};

MapperApp::MapperApp(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}

MapperApp::~MapperApp() = default;

StatusOr<std::unique_ptr<MapperApp>> MapperApp::Create(const MapperConfig& config,
                                                       const Clock& clock) {
  auto implementation = std::make_unique<Implementation>(config, clock);
  RETURN_IF_ERROR(implementation->Start());
  return std::unique_ptr<MapperApp>(new MapperApp(std::move(implementation)));
}

void MapperApp::Run(const std::stop_token& stop) {
  implementation_->Run(stop);
}

uint16_t MapperApp::ApiPort() const {
  return implementation_->ApiPort();
}

uint16_t MapperApp::ReadOnlyPort() const {
  return implementation_->ReadOnlyPort();
}

uint16_t MapperApp::ReportPort() const {
  return implementation_->ReportPort();
}

uint16_t MapperApp::MetricsPort() const {
  return implementation_->MetricsPort();
}

}  // namespace network_mapper
