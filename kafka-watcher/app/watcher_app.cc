#include "kafka-watcher/app/watcher_app.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/build_info/build_info.h"
#include "common/concurrency/stop_wait.h"
#include "common/http/diagnostics_server.h"
#include "common/kube/client.h"
#include "common/log/log.h"
#include "common/report/report_client.h"
#include "kafka-watcher/app/report_rounds.h"
#include "kafka-watcher/app/state_store.h"
#include "kafka-watcher/log/file_log_source.h"
#include "kafka-watcher/log/pod_log_source.h"

namespace network_mapper::kafka {

namespace {

// A loop that has not turned for so long is stuck. One attempt to save may take half a minute.
constexpr std::chrono::minutes kStuckAfter{3};
// What a log may hold between two rounds. Of many pods' logs together, and in a ConfigMap, where
// one log's accesses with names as long as Kafka and Kubernetes allow must fit into 1 MiB.
constexpr size_t kMostAccessesOfAPod = 5'000;
constexpr size_t kMostAccessesInAConfigMap = 750;

size_t MostAccesses(const WatcherConfig& config) {
  if (!config.state_config_map.empty()) {
    return kMostAccessesInAConfigMap;
  }
  return config.ReadsFile() ? WatchedLog::kMostAccesses : kMostAccessesOfAPod;
}

std::unique_ptr<StateStore> MakeStore(const WatcherConfig& config,
                                      const std::shared_ptr<kube::Client>& cluster) {
  if (!config.state_file.empty()) {
    return MakeFileStateStore(config.state_file);
  }
  if (!config.state_config_map.empty()) {
    return MakeConfigMapStateStore(config.state_config_map, cluster);
  }
  return nullptr;
}

PodLogOptions PodOptions(const WatcherConfig& config) {
  PodLogOptions options;
  options.servers = config.servers;
  for (const std::string& selector : config.selectors) {
    options.selectors.push_back({.labels = selector});
  }
  options.namespaces = config.namespaces;
  options.longest_back_off =
      std::chrono::duration_cast<std::chrono::milliseconds>(config.cooldown_interval);
  options.first_back_off = std::min(options.first_back_off, options.longest_back_off);
  options.most_accesses = MostAccesses(config);
  return options;
}

// The API server may be away for a moment; what is damaged stays so.
StatusOr<std::optional<SavedState>> LoadPatiently(StateStore& store, const std::stop_token& stop) {
  constexpr std::chrono::milliseconds kRetry{2'000};
  bool told = false;
  while (true) {
    StatusOr<std::optional<SavedState>> state = store.Load();
    if (state.ok() || (state.status().code() != StatusCode::kUnavailable &&
                       state.status().code() != StatusCode::kDeadlineExceeded)) {
      return state;
    }
    if (!std::exchange(told, true)) {
      LogWarn("waiting for the saved state", {{"error", state.status()}});
    }
    if (!WaitUnlessStopped(stop, kRetry)) {
      return state;
    }
  }
}

}  // namespace

class WatcherApp::Implementation {
 public:
  Implementation(WatcherConfig config, const Clock& clock)
      : config_(std::move(config)), clock_(clock) {}

  Status Start(const std::stop_token& stop) {
    const bool needs_cluster = !config_.ReadsFile() || !config_.state_config_map.empty();
    if (needs_cluster) {
      ASSIGN_OR_RETURN(cluster_, kube::Client::Find("network-mapper-kafka-watcher",
                                                    {.server_url = config_.kube_api_url,
                                                     .kubeconfig = config_.kubeconfig},
                                                    clock_));
    }
    store_ = MakeStore(config_, cluster_);
    SavedState state;
    state.instance_id = NewInstanceId();
    bool resumed = false;
    if (store_ != nullptr) {
      ASSIGN_OR_RETURN(std::optional<SavedState> saved, LoadPatiently(*store_, stop));
      resumed = saved.has_value();
      if (saved) {
        state = *std::move(saved);
      }
    }
    ASSIGN_OR_RETURN(source_, OpenSource(state.positions));
    ReportClientOptions options = ClientOptions(config_);
    options.component = "kafka-watcher";
    options.node_name = config_.node_name;
    options.version = Version();
    options.resume = ReportResumption{.instance_id = state.instance_id, .batches = state.batches};
    ASSIGN_OR_RETURN(client_, ReportClient::Create(options, metrics_));
    LogInfo("Kafka watcher started", {{"version", Version()},
                                      {"mode", config_.read_mode},
                                      {"mapper", config_.mapper_address},
                                      {"state", StatePlace()},
                                      {"resumed", resumed},
                                      {"saved_batches", state.batches.batches.size()},
                                      {"saved_positions", state.positions.size()}});
    if (store_ == nullptr) {
      LogWarn("positions are kept in memory only",
              {{"effect", "lines that are written while this program is down are not reported"},
               {"remedy", "set state-file or state-config-map"}});
    }
    rounds_.emplace(RoundOptions{.interval = config_.report_interval,
                                 .shutdown_grace = config_.shutdown_grace,
                                 .silence_notice = config_.silence_notice,
                                 .crowded = MostAccesses(config_) / 2},
                    ReportRounds::Dependencies{.source = *source_,
                                               .store = store_.get(),
                                               .client = *client_,
                                               .last = std::move(state),
                                               .resumed = resumed,
                                               .clock = clock_,
                                               .metrics = metrics_});
    StartServers();
    return OkStatus();
  }

  Status Run(const std::stop_token& stop) {
    Status outcome = rounds_->Run(stop);
    const ReportClientState state = client_->State();
    LogInfo("Kafka watcher stopped",
            {{"acknowledged_observations", state.acknowledged_observations},
             {"unacknowledged_observations", state.spool_observations}});
    client_->Stop();
    return outcome;
  }

  uint16_t MetricsPort() const { return diagnostics_ ? diagnostics_->MetricsPort() : 0; }

  uint16_t HealthPort() const { return diagnostics_ ? diagnostics_->HealthPort() : 0; }

 private:
  StatusOr<std::unique_ptr<LogSource>> OpenSource(const std::vector<LogPosition>& positions) {
    if (!config_.ReadsFile()) {
      return MakePodLogSource(PodOptions(config_), positions, cluster_, metrics_, clock_);
    }
    FileLogOptions options;
    options.path = config_.log_path;
    options.broker = config_.file_server;
    options.most_accesses = MostAccesses(config_);
    return MakeFileLogSource(std::move(options), positions, clock_);
  }

  std::string StatePlace() const {
    if (!config_.state_file.empty()) {
      return config_.state_file;
    }
    return config_.state_config_map.empty() ? "memory" : "ConfigMap " + config_.state_config_map;
  }

  // What one log, or the choice of logs, lacks.
  Status LogHealth() const {
    std::vector<std::string> problems = source_->Problems();
    size_t being_read = 0;
    for (const LogState& log : source_->States()) {
      being_read += log.reading ? 1 : 0;
      const std::string problem =
          log.error.empty() ? fmt::format("{} is not being read", log.name) : log.error;
      if (!log.reading && std::find(problems.begin(), problems.end(), problem) == problems.end()) {
        problems.push_back(problem);
      }
    }
    if (problems.empty() && being_read == 0) {
      problems.emplace_back("no log is being read");
    }
    constexpr size_t kMostProblems = 5;
    problems.resize(std::min(problems.size(), kMostProblems));
    return problems.empty() ? OkStatus() : Unavailable("{}", fmt::join(problems, "; "));
  }

  Status LoopHealth() const {
    const SteadyTime beat = rounds_->Heartbeat();
    return beat != SteadyTime() && clock_.SteadyNow() - beat > kStuckAfter + config_.report_interval
               ? Unavailable("the loop has not turned for minutes")
               : OkStatus();
  }

  void StartServers() {
    std::vector<HealthCheck> liveness;
    std::vector<HealthCheck> readiness;
    liveness.push_back({.name = "loop", .check = [this] { return LoopHealth(); }});
    // Nothing is reported while the state cannot be saved; the others pass, or concern some logs.
    readiness.push_back({.name = "state", .check = [this] { return rounds_->StateHealth(); }});
    readiness.push_back(
        {.name = "logs", .check = [this] { return LogHealth(); }, .essential = false});
    readiness.push_back(
        {.name = "mapper", .check = [this] { return client_->Connection(); }, .essential = false});
    diagnostics_.emplace(ProgramDiagnostics::Ports{.host = config_.listen_address,
                                                   .metrics = config_.metrics_port,
                                                   .health_probes = config_.health_probes_port},
                         metrics_, http_metrics_, std::move(liveness), std::move(readiness));
  }

  WatcherConfig config_;
  const Clock& clock_;
  MetricsRegistry metrics_;
  HttpServerMetrics http_metrics_{metrics_};
  std::shared_ptr<kube::Client> cluster_;
  std::unique_ptr<StateStore> store_;
  std::unique_ptr<LogSource> source_;
  std::unique_ptr<ReportClient> client_;
  std::optional<ReportRounds> rounds_;
  // Declared last: it stops before what it asks.
  std::optional<ProgramDiagnostics> diagnostics_;
};

WatcherApp::WatcherApp(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}

WatcherApp::~WatcherApp() = default;

StatusOr<std::unique_ptr<WatcherApp>> WatcherApp::Create(const WatcherConfig& config,
                                                         const std::stop_token& stop,
                                                         const Clock& clock) {
  auto implementation = std::make_unique<Implementation>(config, clock);
  RETURN_IF_ERROR(implementation->Start(stop));
  return std::unique_ptr<WatcherApp>(new WatcherApp(std::move(implementation)));
}

Status WatcherApp::Run(const std::stop_token& stop) {
  return implementation_->Run(stop);
}

uint16_t WatcherApp::MetricsPort() const {
  return implementation_->MetricsPort();
}

uint16_t WatcherApp::HealthPort() const {
  return implementation_->HealthPort();
}

}  // namespace network_mapper::kafka
