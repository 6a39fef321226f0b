#include "common/kube/client.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/build_info/build_info.h"
#include "common/concurrency/guarded.h"
#include "common/kube/api_error.h"
#include "common/kube/credential_source.h"
#include "common/kube/http_connection.h"
#include "common/kube/server_url.h"
#include "common/kube/web_socket.h"

namespace network_mapper::kube {

namespace {

constexpr size_t kMostIdleConnections = 4;
// Below the idle limits of API servers and load balancers in front of them.
constexpr std::chrono::seconds kLongestIdle{30};
// Of an error's body, that much is read.
constexpr size_t kLargestErrorBody = size_t{64} << 10U;

struct IdleConnection {
  std::unique_ptr<HttpConnection> connection;
  SteadyTime since;
};

struct BorrowedConnection {
  std::unique_ptr<HttpConnection> connection;
  bool reused = false;
};

// One exchange as the public functions see it: `on_head` and `on_body` are called for 2xx only.
struct Exchange {
  HttpRequest request;
  std::function<void(const HttpHead&)> on_head;
  Client::OnChunk on_body;
  std::stop_token stop;
};

// How one attempt went.
struct Attempt {
  Status status;
  HttpHead head;
  std::string error_body;
  bool stopped_by_sink = false;
};

bool IsSuccess(int code) {
  return code >= 200 && code < 300;
}

// "GET /api/v1/pods": without the query, which holds continue tokens.
std::string Describe(const HttpRequest& request) {
  return fmt::format("{} {}", request.method, request.path.substr(0, request.path.find('?')));
}

bool IsCleanPath(std::string_view path) {
  return path.starts_with('/') &&
         std::all_of(path.begin(), path.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

}  // namespace

class Client::Implementation {
 public:
  Implementation(ClusterAccess access, ClientOptions options, const Clock& clock)
      : access_(std::move(access)),
        options_(std::move(options)),
        clock_(clock),
        credentials_(access_, clock) {}

  Status Initialize() {
    ASSIGN_OR_RETURN(url_, ParseServerUrl(access_.server));
    return OkStatus();
  }

  // Sends with a fresh credential once more after a 401, and on a fresh connection when a kept one
  // turned out to be dead.
  Status Send(Exchange exchange) {
    if (!IsCleanPath(exchange.request.path)) {
      return InvalidArgument("'{}' is no encoded path", exchange.request.path);
    }
    const std::string what = Describe(exchange.request);
    exchange.request.path = url_.prefix + exchange.request.path;
    const std::vector<std::pair<std::string, std::string>> headers = exchange.request.headers;
    bool may_renew = true;
    bool may_reconnect = exchange.request.method == "GET";
    while (true) {
      StatusOr<Credential> credential = credentials_.Current();
      if (!credential.ok()) {
        return Annotate(credential.status(), what);
      }
      StatusOr<BorrowedConnection> borrowed = Borrow(*credential, !may_reconnect);
      if (!borrowed.ok()) {
        return Annotate(borrowed.status(), what);
      }
      exchange.request.headers = headers;
      exchange.request.headers.insert(exchange.request.headers.end(), credential->headers.begin(),
                                      credential->headers.end());
      Attempt attempt = Try(*borrowed->connection, exchange);
      if (attempt.head.code == 401 && may_renew && credentials_.Reject(credential->generation)) {
        may_renew = false;
        continue;
      }
      const bool dead = !attempt.status.ok() && borrowed->reused && attempt.head.code == 0;
      if (dead && may_reconnect && !exchange.stop.stop_requested()) {
        may_reconnect = false;
        continue;
      }
      if (attempt.status.ok()) {
        GiveBack(std::move(borrowed->connection));
      }
      return Judge(attempt, what);
    }
  }

  // As Send, with one attempt more after a 401.
  StatusOr<std::unique_ptr<WebSocket>> OpenWebSocket(HttpRequest request,
                                                     std::string_view subprotocol,
                                                     std::chrono::milliseconds timeout,
                                                     const std::stop_token& stop) {
    if (!IsCleanPath(request.path)) {
      return InvalidArgument("'{}' is no encoded path", request.path);
    }
    const std::string what = Describe(request);
    request.path = url_.prefix + request.path;
    const SteadyTime deadline = std::chrono::steady_clock::now() + timeout;
    bool may_renew = true;
    while (true) {
      StatusOr<Credential> credential = credentials_.Current();
      if (!credential.ok()) {
        return Annotate(credential.status(), what);
      }
      StatusOr<WebSocket::Answer> answer =
          TryWebSocket(*credential, request, subprotocol, deadline, stop);
      if (!answer.ok()) {
        return Annotate(answer.status(), what);
      }
      if (answer->socket != nullptr) {
        return std::move(answer->socket);
      }
      if (answer->http_code == 401 && may_renew && credentials_.Reject(credential->generation)) {
        may_renew = false;
        continue;
      }
      return ApiError({what, answer->http_code, answer->body, ""});
    }
  }

  const ClusterAccess& Access() const { return access_; }

  HttpRequest MakeRequest(std::string_view path, std::string_view accept) const {
    HttpRequest request;
    request.path = path;
    request.headers.emplace_back("User-Agent", options_.user_agent);
    request.headers.emplace_back("Accept", accept);
    return request;
  }

  StatusOr<Response> Send(std::string_view method, std::string_view path, std::string_view body,
                          std::string_view content_type, const RequestOptions& options) {
    HttpRequest request = MakeRequest(path, options.accept);
    request.method = method;
    request.body = body;
    request.content_type = content_type;
    return Collect(std::move(request), options);
  }

  StatusOr<Response> Collect(HttpRequest request, const RequestOptions& options) {
    Response response;
    request.headers.emplace_back("Accept-Encoding", "gzip");
    request.headers.insert(request.headers.end(), options.headers.begin(), options.headers.end());
    request.silence_timeout = options.timeout;
    const SteadyTime deadline = clock_.SteadyNow() + options.timeout;
    const std::string what = Describe(request);
    Status failure;
    Exchange exchange;
    exchange.request = std::move(request);
    exchange.stop = options.stop;
    exchange.on_head = [&response](const HttpHead& head) {
      response.http_code = head.code;
      response.content_type = head.content_type;
      response.warnings = head.warnings;
      response.body.clear();
    };
    exchange.on_body = [&](std::string_view chunk) {
      if (response.body.size() + chunk.size() > options.max_response_bytes) {
        failure = ResourceExhausted("{}: the answer is longer than {} bytes", what,
                                    options.max_response_bytes);
      } else if (clock_.SteadyNow() > deadline) {
        failure =
            DeadlineExceeded("{}: no complete answer within {} ms", what, options.timeout.count());
      }
      response.body.append(failure.ok() ? chunk : std::string_view());
      return failure.ok();
    };
    RETURN_IF_ERROR(Send(std::move(exchange)));
    RETURN_IF_ERROR(failure);
    return response;
  }

 private:
  StatusOr<WebSocket::Answer> TryWebSocket(const Credential& credential, HttpRequest request,
                                           std::string_view subprotocol, SteadyTime deadline,
                                           const std::stop_token& stop) {
    request.headers.insert(request.headers.end(), credential.headers.begin(),
                           credential.headers.end());
    ASSIGN_OR_RETURN(const HttpEndpoint endpoint, EndpointFor(credential));
    ASSIGN_OR_RETURN(std::unique_ptr<ByteStream> stream,
                     ByteStream::Connect(endpoint, deadline, stop));
    return WebSocket::Open(std::move(stream), endpoint, request, subprotocol);
  }

  StatusOr<HttpEndpoint> EndpointFor(const Credential& credential) const {
    HttpEndpoint endpoint;
    endpoint.tls = url_.tls;
    endpoint.host = url_.host;
    endpoint.port = url_.port;
    endpoint.connect_timeout = options_.connect_timeout;
    if (url_.tls) {
      endpoint.tls_server_name = access_.tls_server_name;
      endpoint.insecure_skip_tls_verify = access_.insecure_skip_tls_verify;
      endpoint.client_certificate = credential.client_certificate;
      endpoint.client_key = credential.client_key;
      ASSIGN_OR_RETURN(endpoint.certificate_authority, ReadPem(access_.certificate_authority));
      const bool lost =
          endpoint.certificate_authority.empty() && !access_.certificate_authority.Empty();
      if (lost) {
        return FailedPrecondition("'{}' is empty", access_.certificate_authority.path);
      }
    }
    return endpoint;
  }

  StatusOr<BorrowedConnection> Borrow(const Credential& credential, bool fresh) {
    ASSIGN_OR_RETURN(HttpEndpoint endpoint, EndpointFor(credential));
    const SteadyTime now = clock_.SteadyNow();
    BorrowedConnection borrowed;
    idle_.With([&](std::vector<IdleConnection>& idle) {
      std::erase_if(idle, [&](const IdleConnection& one) {
        return now - one.since > kLongestIdle || one.connection->Endpoint() != endpoint;
      });
      if (!fresh && !idle.empty()) {
        borrowed.connection = std::move(idle.back().connection);
        borrowed.reused = true;
        idle.pop_back();
      }
    });
    if (borrowed.connection == nullptr) {
      ASSIGN_OR_RETURN(borrowed.connection, HttpConnection::Create(std::move(endpoint)));
    }
    return borrowed;
  }

  void GiveBack(std::unique_ptr<HttpConnection> connection) {
    const SteadyTime now = clock_.SteadyNow();
    idle_.With([&](std::vector<IdleConnection>& idle) {
      if (idle.size() < kMostIdleConnections) {
        idle.push_back({std::move(connection), now});
      }
    });
  }

  static Attempt Try(HttpConnection& connection, const Exchange& exchange) {
    Attempt attempt;
    HttpSink sink;
    sink.on_head = [&](const HttpHead& head) {
      attempt.head = head;
      if (IsSuccess(head.code) && exchange.on_head) {
        exchange.on_head(head);
      }
    };
    sink.on_body = [&](std::string_view chunk) {
      if (IsSuccess(attempt.head.code)) {
        attempt.stopped_by_sink = !exchange.on_body(chunk);
        return !attempt.stopped_by_sink;
      }
      const size_t room = kLargestErrorBody - attempt.error_body.size();
      attempt.error_body.append(chunk.substr(0, room));
      return attempt.error_body.size() < kLargestErrorBody;
    };
    {
      const std::stop_callback cancel(exchange.stop, [&connection] { connection.Cancel(); });
      attempt.status = connection.Exchange(exchange.request, sink);
    }
    if (exchange.stop.stop_requested()) {
      attempt.status = MakeStatus(StatusCode::kCancelled, "stopped");
      attempt.head.code = 0;
    }
    return attempt;
  }

  static Status Judge(const Attempt& attempt, const std::string& what) {
    if (attempt.stopped_by_sink && attempt.status.code() == StatusCode::kCancelled &&
        attempt.head.code != 0) {
      return OkStatus();
    }
    if (attempt.head.code != 0 && !IsSuccess(attempt.head.code)) {
      return ApiError({what, attempt.head.code, attempt.error_body, attempt.head.retry_after});
    }
    return Annotate(attempt.status, what);
  }

  const ClusterAccess access_;
  const ClientOptions options_;
  const Clock& clock_;
  CredentialSource credentials_;
  ServerUrl url_;
  Guarded<std::vector<IdleConnection>> idle_;
};

Client::Client(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}

Client::~Client() = default;

StatusOr<std::unique_ptr<Client>> Client::Create(ClusterAccess access, ClientOptions options,
                                                 const Clock& clock) {
  auto implementation =
      std::make_unique<Implementation>(std::move(access), std::move(options), clock);
  RETURN_IF_ERROR(implementation->Initialize());
  return std::unique_ptr<Client>(new Client(std::move(implementation)));
}

StatusOr<std::unique_ptr<Client>> Client::Find(std::string_view program,
                                               const AccessOptions& options, const Clock& clock) {
  ASSIGN_OR_RETURN(ClusterAccess access, FindClusterAccess(ProcessEnvironment(), options));
  return Create(std::move(access), {.user_agent = fmt::format("{}/{}", program, Version())}, clock);
}

StatusOr<Response> Client::Get(std::string_view path, const RequestOptions& options) {
  return implementation_->Collect(implementation_->MakeRequest(path, options.accept), options);
}

StatusOr<Response> Client::Post(std::string_view path, std::string_view body,
                                std::string_view content_type, const RequestOptions& options) {
  return implementation_->Send("POST", path, body, content_type, options);
}

StatusOr<Response> Client::Put(std::string_view path, std::string_view body,
                               std::string_view content_type, const RequestOptions& options) {
  return implementation_->Send("PUT", path, body, content_type, options);
}

StatusOr<Response> Client::Delete(std::string_view path, std::string_view body,
                                  const RequestOptions& options) {
  return implementation_->Send("DELETE", path, body, body.empty() ? "" : "application/json",
                               options);
}

Status Client::Stream(std::string_view path, const StreamOptions& options, const OnChunk& on_chunk,
                      const std::stop_token& stop) {
  Exchange exchange;
  exchange.request = implementation_->MakeRequest(path, options.accept);
  exchange.request.silence_timeout = options.silence_timeout;
  if (options.on_open) {
    exchange.on_head = [&options](const HttpHead& /*head*/) { options.on_open(); };
  }
  exchange.on_body = on_chunk;
  exchange.stop = stop;
  return implementation_->Send(std::move(exchange));
}

StatusOr<std::unique_ptr<WebSocket>> Client::OpenWebSocket(std::string_view path,
                                                           std::string_view subprotocol,
                                                           std::chrono::milliseconds timeout,
                                                           const std::stop_token& stop) {
  return implementation_->OpenWebSocket(implementation_->MakeRequest(path, "*/*"), subprotocol,
                                        timeout, stop);
}

const std::string& Client::Namespace() const {
  return implementation_->Access().name_space;
}

const std::string& Client::Server() const {
  return implementation_->Access().server;
}

}  // namespace network_mapper::kube
