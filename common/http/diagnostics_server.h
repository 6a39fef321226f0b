// GET /metrics, /healthz and /readyz of a binary. Every binary has one; the mapper's API answers
// /healthz and /readyz on its own port through RunHealthChecks.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/concurrency/guarded.h"
#include "common/http/http_server.h"
#include "common/metrics/metrics.h"
#include "common/status/status.h"

namespace network_mapper {

// A named condition; OK when it holds. `check` is called from several threads and must not block.
struct HealthCheck {
  std::string name;
  std::function<Status()> check;
  // While another one fails the program still does its work, only less well.
  bool essential = true;
  // What to add to "ok".
  std::function<std::string()> note{};
};

// {"status":"ok"|"degraded"|"unavailable","checks":{"<name>":"ok"|"ok, <note>"|"<message>"}}: 503
// while an essential check fails, else 200. The message of one that is not essential begins
// "degraded: ".
HttpResponse RunHealthChecks(const std::vector<HealthCheck>& checks);

// 200 in the Prometheus text format.
HttpResponse RenderMetrics(const MetricsRegistry& metrics);

// {"message":"Not Found"} and {"message":"Method Not Allowed"}, as the original's HTTP framework
// words them.
HttpResponse NotFoundResponse();
HttpResponse MethodNotAllowedResponse(std::string_view allow);

struct DiagnosticsOptions {
  // Null: no /metrics. Must outlive the server.
  const MetricsRegistry* metrics = nullptr;
  // /healthz answers 503 while one of these fails: restart me. No checks: the process answers, so
  // it lives.
  std::vector<HealthCheck> liveness;
  // /readyz: send me work.
  std::vector<HealthCheck> readiness;
  bool serve_health = true;
  // Not counted when null; must outlive the server.
  HttpServerMetrics* http_metrics = nullptr;
};

// Answers one request; what DiagnosticsServer serves, and what another server may mount.
HttpResponse HandleDiagnostics(const DiagnosticsOptions& options, const HttpRequest& request);

class DiagnosticsServer {
 public:
  // Empty host: all addresses; port 0: any free one. Unavailable when the port is taken.
  static StatusOr<std::unique_ptr<DiagnosticsServer>> Start(std::string_view host, uint16_t port,
                                                            DiagnosticsOptions options);

  uint16_t Port() const { return server_->Port(); }

 private:
  DiagnosticsServer() = default;

  DiagnosticsOptions options_;
  // Declared last: it stops before what its handler reads.
  std::unique_ptr<HttpServer> server_;
};

// For programs that go on without it: on the host network somebody else may own the port, which is
// no reason to stop. Then the log names `option`, which set the port, and it is tried again until
// the port is free. Thread-safe.
class PatientDiagnosticsServer {
 public:
  struct Address {
    std::string host;
    uint16_t port = 0;
    std::string option;
  };

  static constexpr std::chrono::seconds kRetryInterval{2};

  PatientDiagnosticsServer(Address address, DiagnosticsOptions options,
                           std::chrono::milliseconds retry_interval = kRetryInterval);
  PatientDiagnosticsServer(const PatientDiagnosticsServer&) = delete;
  PatientDiagnosticsServer& operator=(const PatientDiagnosticsServer&) = delete;
  ~PatientDiagnosticsServer() = default;

  // 0 as long as it does not listen.
  uint16_t Port() const;

 private:
  Status TryToStart();

  const Address address_;
  const DiagnosticsOptions options_;
  Guarded<std::unique_ptr<DiagnosticsServer>> server_;
  std::jthread retry_;
};

// The two servers of a program that has no API of its own: metrics on one port, health and
// readiness on another, which a kubelet reaches and nobody else needs to. Options metrics-port and
// health-probes-port. Thread-safe.
class ProgramDiagnostics {
 public:
  struct Ports {
    std::string host;
    uint16_t metrics = 0;
    uint16_t health_probes = 0;
  };

  // `metrics` and `http_metrics` must outlive this.
  ProgramDiagnostics(const Ports& ports, const MetricsRegistry& metrics,
                     HttpServerMetrics& http_metrics, std::vector<HealthCheck> liveness,
                     std::vector<HealthCheck> readiness);

  // 0 as long as nobody listens there.
  uint16_t MetricsPort() const { return metrics_server_.Port(); }

  uint16_t HealthPort() const { return health_server_.Port(); }

 private:
  PatientDiagnosticsServer metrics_server_;
  PatientDiagnosticsServer health_server_;
};

}  // namespace network_mapper
