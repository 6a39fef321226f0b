#include "common/http/diagnostics_server.h"

#include <utility>

#include <fmt/format.h>

#include "common/concurrency/stop_wait.h"
#include "common/log/log.h"
#include "common/text/json_string.h"

namespace network_mapper {

namespace {

constexpr std::string_view kJson = "application/json; charset=UTF-8";

HttpResponse JsonResponse(int status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.content_type = kJson;
  response.body = std::move(body);
  return response;
}

}  // namespace

HttpResponse RunHealthChecks(const std::vector<HealthCheck>& checks) {
  std::string results;
  bool available = true;
  bool degraded = false;
  for (const HealthCheck& check : checks) {
    const Status status = check.check();
    std::string result = check.note ? "ok, " + check.note() : "ok";
    if (!status.ok()) {
      available = available && !check.essential;
      degraded = degraded || !check.essential;
      result = (check.essential ? "" : "degraded: ") + StatusMessage(status);
    }
    results += fmt::format(R"({}"{}":"{}")", results.empty() ? "" : ",", EscapeJson(check.name),
                           EscapeJson(result));
  }
  const char* summary = !available ? "unavailable" : degraded ? "degraded" : "ok";
  return JsonResponse(available ? 200 : 503,
                      fmt::format("{{\"status\":\"{}\",\"checks\":{{{}}}}}\n", summary, results));
}

HttpResponse RenderMetrics(const MetricsRegistry& metrics) {
  HttpResponse response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = metrics.RenderText();
  return response;
}

HttpResponse NotFoundResponse() {
  return JsonResponse(404, "{\"message\":\"Not Found\"}\n");
}

HttpResponse MethodNotAllowedResponse(std::string_view allow) {
  HttpResponse response = JsonResponse(405, "{\"message\":\"Method Not Allowed\"}\n");
  response.headers.emplace_back("Allow", allow);
  return response;
}

HttpResponse HandleDiagnostics(const DiagnosticsOptions& options, const HttpRequest& request) {
  bool metrics = request.path == "/metrics" && options.metrics != nullptr;
  bool liveness = request.path == "/healthz" && options.serve_health;
  bool readiness = request.path == "/readyz" && options.serve_health;
  if (!metrics && !liveness && !readiness) {
    return NotFoundResponse();
  }
  if (request.method != "GET" && request.method != "HEAD") {
    return MethodNotAllowedResponse("GET, HEAD");
  }
  if (metrics) {
    return RenderMetrics(*options.metrics);
  }
  return RunHealthChecks(liveness ? options.liveness : options.readiness);
}

StatusOr<std::unique_ptr<DiagnosticsServer>> DiagnosticsServer::Start(std::string_view host,
                                                                      uint16_t port,
                                                                      DiagnosticsOptions options) {
  std::unique_ptr<DiagnosticsServer> server(new DiagnosticsServer());
  server->options_ = std::move(options);
  HttpServerOptions http;
  http.host = host;
  http.port = port;
  http.threads = 2;
  http.max_connections = 64;
  http.max_body_bytes = 1024;
  http.metrics = server->options_.http_metrics;
  ASSIGN_OR_RETURN(
      server->server_,
      HttpServer::Start(http, [diagnostics = server.get()](const HttpRequest& request) {
        return HandleDiagnostics(diagnostics->options_, request);
      }));
  return server;
}

PatientDiagnosticsServer::PatientDiagnosticsServer(Address address, DiagnosticsOptions options,
                                                   std::chrono::milliseconds retry_interval)
    : address_(std::move(address)), options_(std::move(options)) {
  const Status status = TryToStart();
  if (status.ok()) {
    return;
  }
  LogError("port cannot be listened on; going on without it, and trying again",
           {{"option", "--" + address_.option}, {"error", status}});
  retry_ = std::jthread([this, retry_interval](const std::stop_token& stop) {
    while (WaitUnlessStopped(stop, retry_interval)) {
      if (TryToStart().ok()) {
        LogInfo("port is listened on now",
                {{"option", "--" + address_.option}, {"port", address_.port}});
        return;
      }
    }
  });
}

uint16_t PatientDiagnosticsServer::Port() const {
  return server_.With([](const std::unique_ptr<DiagnosticsServer>& server) {
    return server == nullptr ? uint16_t{0} : server->Port();
  });
}

Status PatientDiagnosticsServer::TryToStart() {
  StatusOr<std::unique_ptr<DiagnosticsServer>> started =
      DiagnosticsServer::Start(address_.host, address_.port, options_);
  RETURN_IF_ERROR(started.status());
  server_.With(
      [&started](std::unique_ptr<DiagnosticsServer>& server) { server = *std::move(started); });
  return OkStatus();
}

ProgramDiagnostics::ProgramDiagnostics(const Ports& ports, const MetricsRegistry& metrics,
                                       HttpServerMetrics& http_metrics,
                                       std::vector<HealthCheck> liveness,
                                       std::vector<HealthCheck> readiness)
    : metrics_server_({ports.host, ports.metrics, "metrics-port"}, {.metrics = &metrics,
                                                                    .liveness = {},
                                                                    .readiness = {},
                                                                    .serve_health = false,
                                                                    .http_metrics = &http_metrics}),
      health_server_({ports.host, ports.health_probes, "health-probes-port"},
                     {.liveness = std::move(liveness),
                      .readiness = std::move(readiness),
                      .http_metrics = &http_metrics}) {}

}  // namespace network_mapper
