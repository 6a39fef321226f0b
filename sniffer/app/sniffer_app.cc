#include "sniffer/app/sniffer_app.h"

#include <sys/capability.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "common/build_info/build_info.h"
#include "common/http/diagnostics_server.h"
#include "common/log/log.h"
#include "common/report/report_client.h"
#include "sniffer/app/attributor.h"
#include "sniffer/app/sniffer_loop.h"
#include "sniffer/capture/capture_filter.h"
#include "sniffer/capture/packet_source.h"
#include "sniffer/procfs/proc_fs.h"

namespace network_mapper::sniffer {

namespace {

// A loop that has not turned for so long is stuck.
constexpr std::chrono::seconds kStuckAfter{60};
constexpr std::chrono::seconds kFileAcknowledgeTimeout{60};

struct CapabilityDeleter {
  void operator()(cap_t capabilities) const { cap_free(capabilities); }
};

bool HasCapability(cap_value_t capability) {
  std::unique_ptr<std::remove_pointer_t<cap_t>, CapabilityDeleter> capabilities(cap_get_proc());
  cap_flag_value_t value = CAP_CLEAR;
  return capabilities != nullptr &&
         cap_get_flag(capabilities.get(), capability, CAP_EFFECTIVE, &value) == 0 &&
         value == CAP_SET;
}

LiveCaptureOptions CaptureOptions(const SnifferConfig& config) {
  CaptureFilterOptions filter{.dns = config.enable_dns,
                              .tcp_syn = config.enable_tcp,
                              .dns_ports = config.dns_ports,
                              .vlan = false};
  LiveCaptureOptions options;
  options.interfaces = config.interfaces;
  options.filter = BuildCaptureFilter(filter);
  filter.vlan = true;
  options.ethernet_filter = BuildCaptureFilter(filter);
  options.buffer_bytes = static_cast<size_t>(config.pcap_buffer_bytes);
  options.snapshot_length = static_cast<int>(config.pcap_snapshot_bytes);
  return options;
}

StatusOr<std::unique_ptr<PacketSource>> OpenSource(const SnifferConfig& config) {
  if (!config.read_pcap.empty()) {
    return OpenCaptureFile(config.read_pcap);
  }
  if (!config.enable_dns && !config.enable_tcp) {
    return std::unique_ptr<PacketSource>();
  }
  return OpenLiveCapture(CaptureOptions(config));
}

ReportClientOptions ReportOptions(const SnifferConfig& config) {
  ReportClientOptions options = ClientOptions(config);
  options.component = "sniffer";
  options.node_name = config.node_name;
  options.version = Version();
  options.spool_bytes = static_cast<size_t>(config.spool_bytes);
  options.spool_observations = static_cast<size_t>(config.spool_observations);
  return options;
}

void WarnAboutMissingCapabilities(bool live) {
  if (live && !HasCapability(CAP_SYS_PTRACE)) {
    LogWarn(
        "CAP_SYS_PTRACE is missing: network namespaces cannot be told apart, so that host-network "
        "pods stay unknown; add SYS_PTRACE to the container's capabilities");
  }
}

}  // namespace

class SnifferApp::Implementation {
 public:
  Implementation(SnifferConfig config, const Clock& clock)
      : config_(std::move(config)), clock_(clock) {}

  Status Start() {
    bool live = config_.read_pcap.empty();
    WarnAboutMissingCapabilities(live);
    ASSIGN_OR_RETURN(std::unique_ptr<PacketSource> source, OpenSource(config_));
    if (live) {
      ASSIGN_OR_RETURN(ProcFs opened, ProcFs::Open(config_.host_proc_dir));
      proc_fs_.emplace(std::move(opened));
      attributor_.emplace(
          *proc_fs_, clock_, metrics_,
          AttributorOptions{.socket_refresh_interval = config_.socket_refresh_interval,
                            .sockets = {.round_budget = config_.socket_scan_budget}});
    }
    ASSIGN_OR_RETURN(client_, ReportClient::Create(ReportOptions(config_), metrics_));
    loop_.emplace(
        LoopOptions(),
        SnifferLoop::Dependencies{
            .source = std::move(source),
            .reopen = live ? SourceOpener([this] { return OpenSource(config_); }) : SourceOpener(),
            .attributor = attributor_ ? &*attributor_ : nullptr,
            .sink = [this](
                        const std::vector<Observation>& observations,
                        const CollectorTotals& totals) { client_->Report(observations, totals); },
            .clock = clock_,
            .metrics = metrics_});
    StartServers();
    LogInfo("sniffer started", {{"version", Version()},
                                {"node", config_.node_name},
                                {"mapper", config_.mapper_address},
                                {"proc", config_.host_proc_dir},
                                {"dns", config_.enable_dns},
                                {"tcp", config_.enable_tcp},
                                {"socket_scanner", config_.enable_socket_scanner}});
    return OkStatus();
  }

  Status Run(const std::stop_token& stop) {
    loop_->Run(stop);
    bool acknowledged = WaitForAcknowledgement(stop);
    ReportClientState state = client_->State();
    LogInfo("sniffer stopped", {{"acknowledged_observations", state.acknowledged_observations},
                                {"unacknowledged_observations", state.spool_observations},
                                {"dropped_observations", state.dropped_observations}});
    client_->Stop();
    if (!acknowledged && !stop.stop_requested()) {
      return DeadlineExceeded("the mapper at {} has not acknowledged what {} holds: {}",
                              config_.mapper_address, config_.read_pcap, state.last_error);
    }
    bool from_file = !config_.read_pcap.empty() && !stop.stop_requested();
    return from_file ? Annotate(loop_->CaptureState(), "not all of it was read") : OkStatus();
  }

  uint16_t MetricsPort() const { return diagnostics_ ? diagnostics_->MetricsPort() : 0; }

  uint16_t HealthPort() const { return diagnostics_ ? diagnostics_->HealthPort() : 0; }

 private:
  SnifferLoopOptions LoopOptions() const {
    SnifferLoopOptions options;
    options.report_interval = config_.report_interval;
    options.attribution_interval = config_.attribution_interval;
    options.scan_sockets = config_.enable_socket_scanner;
    options.aggregator.dns = config_.enable_dns;
    options.aggregator.tcp_syn = config_.enable_tcp;
    options.aggregator.dns_ports = config_.dns_ports;
    return options;
  }

  // Ends by itself only after a capture file; a stop leaves it the grace.
  bool WaitForAcknowledgement(const std::stop_token& stop) {
    constexpr std::chrono::milliseconds kStopNoticedWithin{100};
    bool stopping = stop.stop_requested();
    SteadyTime deadline =
        clock_.SteadyNow() +
        (stopping ? config_.shutdown_grace : std::chrono::nanoseconds(kFileAcknowledgeTimeout));
    while (!client_->Flush(std::min(deadline, clock_.SteadyNow() + kStopNoticedWithin))) {
      SteadyTime now = clock_.SteadyNow();
      if (now >= deadline) {
        return false;
      }
      if (!stopping && stop.stop_requested()) {
        stopping = true;
        deadline = std::min(deadline, now + config_.shutdown_grace);
      }
    }
    return true;
  }

  void StartServers() {
    std::vector<HealthCheck> liveness;
    std::vector<HealthCheck> readiness;
    liveness.push_back({.name = "loop", .check = [this]() -> Status {
                          SteadyTime beat = loop_->Heartbeat();
                          bool started = beat != SteadyTime();
                          if (started && clock_.SteadyNow() - beat > kStuckAfter) {
                            return Unavailable("the capture loop has not turned for a minute");
                          }
                          return OkStatus();
                        }});
    readiness.push_back({.name = "capture", .check = [this] { return loop_->CaptureState(); }});
    diagnostics_.emplace(ProgramDiagnostics::Ports{.host = config_.listen_address,
                                                   .metrics = config_.metrics_port,
                                                   .health_probes = config_.health_probes_port},
                         metrics_, http_metrics_, std::move(liveness), std::move(readiness));
  }

  SnifferConfig config_;
  const Clock& clock_;
  MetricsRegistry metrics_;
  HttpServerMetrics http_metrics_{metrics_};
  std::optional<ProcFs> proc_fs_;
  std::optional<Attributor> attributor_;
  std::unique_ptr<ReportClient> client_;
  std::optional<SnifferLoop> loop_;
  // Declared last: it stops before what it asks.
  std::optional<ProgramDiagnostics> diagnostics_;
};

SnifferApp::SnifferApp(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}

SnifferApp::~SnifferApp() = default;

StatusOr<std::unique_ptr<SnifferApp>> SnifferApp::Create(const SnifferConfig& config,
                                                         const Clock& clock) {
  auto implementation = std::make_unique<Implementation>(config, clock);
  RETURN_IF_ERROR(implementation->Start());
  return std::unique_ptr<SnifferApp>(new SnifferApp(std::move(implementation)));
}

Status SnifferApp::Run(const std::stop_token& stop) {
  return implementation_->Run(stop);
}

uint16_t SnifferApp::MetricsPort() const {
  return implementation_->MetricsPort();
}

uint16_t SnifferApp::HealthPort() const {
  return implementation_->HealthPort();
}

}  // namespace network_mapper::sniffer
