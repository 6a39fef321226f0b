// Client: authenticated HTTP requests to the Kubernetes API server. Answers other than 2xx become
// errors that name verb, path and the server's message. Used by ObjectWatch, Discovery, the log
// readers and the CLI; it knows no resource by name.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/kube/cluster_access.h"
#include "common/status/status.h"
#include "common/time/clock.h"

namespace network_mapper::kube {

class WebSocket;

struct ClientOptions {
  std::chrono::milliseconds connect_timeout{10'000};
  // Program name and version, sent as User-Agent.
  std::string user_agent = "network-mapper";
};

struct RequestOptions {
  std::string accept = "application/json";
  // For the whole exchange, retries after a 401 excluded.
  std::chrono::milliseconds timeout{30'000};
  // Sent beside those of the client itself.
  std::vector<std::pair<std::string, std::string>> headers{};
  // A longer body, after decompression, is ResourceExhausted.
  size_t max_response_bytes = size_t{256} << 20U;
  // A request for stop ends the exchange at once with Cancelled.
  std::stop_token stop{};
};

struct Response {
  int http_code = 0;
  std::string content_type;
  std::string body;
  // `Warning` headers, as sent.
  std::vector<std::string> warnings;
};

struct StreamOptions {
  std::string accept = "application/json";
  // A stream that is silent for longer ends with DeadlineExceeded.
  std::chrono::milliseconds silence_timeout{60'000};
  // Called when the server has agreed (2xx), before the first chunk, which may be long in coming.
  std::function<void()> on_open{};
};

// Errors: 401 Unauthenticated, 403 PermissionDenied, 404 NotFound, 409 Aborted, 410 OutOfRange, 429
// and 5xx and transport failures Unavailable, other 4xx InvalidArgument; HttpCode and RetryAfter
// (api_error.h) tell more. All functions are thread-safe; connections are kept and reused.
class Client {
 public:
  // Fails on unusable settings only; the server need not be reachable. `clock` must outlive this.
  static StatusOr<std::unique_ptr<Client>> Create(ClusterAccess access, ClientOptions options = {},
                                                  const Clock& clock = Clock::System());
  // As FindClusterAccess finds the cluster in the environment of this process; `program` and its
  // version are the User-Agent.
  static StatusOr<std::unique_ptr<Client>> Find(std::string_view program,
                                                const AccessOptions& options,
                                                const Clock& clock = Clock::System());
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  // `path` starts with "/", is percent-encoded and may have a query.
  StatusOr<Response> Get(std::string_view path, const RequestOptions& options = {});
  StatusOr<Response> Post(std::string_view path, std::string_view body,
                          std::string_view content_type, const RequestOptions& options = {});
  StatusOr<Response> Put(std::string_view path, std::string_view body,
                         std::string_view content_type, const RequestOptions& options = {});
  // `body`: DeleteOptions as JSON, or empty.
  StatusOr<Response> Delete(std::string_view path, std::string_view body = {},
                            const RequestOptions& options = {});

  // False ends the stream, which then is OK.
  using OnChunk = std::function<bool(std::string_view)>;
  // GET, handing the body on as it arrives, never compressed. Ends when the server ends it (OK),
  // the callback says so (OK), `stop` is requested (Cancelled, at once) or something fails.
  Status Stream(std::string_view path, const StreamOptions& options, const OnChunk& on_chunk,
                const std::stop_token& stop);

  // A WebSocket that a GET of `path` opens. All has to be over within `timeout`, and ends soon
  // after a request for stop with Cancelled.
  StatusOr<std::unique_ptr<WebSocket>> OpenWebSocket(std::string_view path,
                                                     std::string_view subprotocol,
                                                     std::chrono::milliseconds timeout,
                                                     const std::stop_token& stop = {});

  // The namespace of the context or of this pod.
  const std::string& Namespace() const;
  const std::string& Server() const;

 private:
  class Implementation;
  explicit Client(std::unique_ptr<Implementation> implementation);

  std::unique_ptr<Implementation> implementation_;
};

}  // namespace network_mapper::kube
