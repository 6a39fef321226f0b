// A small HTTP/1.1 server (over cpp-httplib): one handler for all requests, a bounded thread pool,
// and limits against slow, endless and oversized requests. Used by the mapper's API and by
// DiagnosticsServer; over TLS by the admission webhook. No routing, no streaming.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/http/tls_server_context.h"
#include "common/metrics/metrics.h"
#include "common/net/ip_address.h"
#include "common/status/status.h"

namespace network_mapper {

struct HttpRequest {
  // Upper case.
  std::string method;
  // Decoded, without the query string.
  std::string path;
  // Names in lower case; of a repeated header the first value.
  std::map<std::string, std::string, std::less<>> headers;
  // Decoded query string; of a repeated name the first value.
  std::map<std::string, std::string, std::less<>> parameters;
  std::string body;
  // Who sent it; a proxy's address where one is between.
  IpAddress peer{};

  // Absent when there is no such header; `name` in lower case.
  std::optional<std::string_view> Header(std::string_view name) const;
  std::optional<std::string_view> Parameter(std::string_view name) const;
};

struct HttpResponse {
  int status = 200;
  // Not sent when empty.
  std::string content_type;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

// Shared by the servers of a process.
struct HttpServerMetrics {
  // `registry` must outlive this.
  explicit HttpServerMetrics(MetricsRegistry& registry);

  Counter& slow_requests;
  Counter& busy_refusals;
  Counter& peer_refusals;
  Counter& failed_handshakes;
};

struct HttpServerOptions {
  // Empty: all addresses, IPv6 and IPv4.
  std::string host;
  // 0: any free port.
  uint16_t port = 0;
  // Requests that run at the same time; others wait. A connection takes a thread when its whole
  // request is there. Only a body that is long or of unknown length is read by a thread, and all
  // but two threads at most (but one at least) do so, such that a short request finds one.
  size_t threads = 8;
  // The next one is answered with 503.
  size_t max_connections = 1024;
  // Of one address. A further one takes the place of one of that address that has sent no request,
  // or not all of it, so that somebody who opens many cannot keep the others of the same address
  // out (the kubelet's probes, the API server's proxy); without such a one it is answered with 429.
  size_t max_connections_per_peer = 512;
  // Request line and headers.
  size_t max_header_bytes = 32UL * 1024;
  size_t max_body_bytes = 16UL * 1024 * 1024;
  // From the first byte of a request to its last; then the connection is closed. So is one that
  // waits for a thread to read its body as long. That wait is no part of the sender's time.
  std::chrono::milliseconds request_timeout = std::chrono::seconds(15);
  // From the first byte of a response to its last.
  std::chrono::milliseconds response_timeout = std::chrono::seconds(60);
  // How long a connection may stay open without a request.
  std::chrono::milliseconds idle_timeout = std::chrono::seconds(5);
  size_t requests_per_connection = 1000;
  // How long Stop waits for requests that run.
  std::chrono::milliseconds stop_timeout = std::chrono::seconds(5);
  // Not counted when null; must outlive the server.
  HttpServerMetrics* metrics = nullptr;
  // Null: plain HTTP. The handshake has as much time as a request. Whoever is refused before it
  // gets no answer.
  std::shared_ptr<const TlsServerContext> tls{};
};

// Called from several threads at once. An exception becomes 500 and a log line.
using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

class HttpServer {
 public:
  // Binds and serves from threads of its own. Unavailable when the port is taken.
  static StatusOr<std::unique_ptr<HttpServer>> Start(const HttpServerOptions& options,
                                                     HttpHandler handler);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  // Stops.
  ~HttpServer();

  // The port that is listened on.
  uint16_t Port() const;

  // Takes no new connections, closes idle ones, waits for running requests until the stop timeout,
  // then cuts them off. Idempotent.
  void Stop();

 private:
  class Implementation;
  explicit HttpServer(std::unique_ptr<Implementation> implementation);

  std::unique_ptr<Implementation> implementation_;
};

}  // namespace network_mapper
