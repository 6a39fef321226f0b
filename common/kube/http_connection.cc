#include "common/kube/http_connection.h"

#include <fcntl.h>
#include <httplib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <exception>
#include <thread>

#include "common/concurrency/guarded.h"
#include "common/kube/sigpipe_block.h"
#include "common/kube/tls_settings.h"

namespace network_mapper::kube {

namespace {

void SetOption(int socket, int level, int name, int value) {
  setsockopt(socket, level, name, &value, sizeof(value));
}

// A dead peer is noticed within about a minute, also by a watch that only listens.
void KeepAlive(int socket) {
  SetOption(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  SetOption(socket, IPPROTO_TCP, TCP_KEEPIDLE, 30);
  SetOption(socket, IPPROTO_TCP, TCP_KEEPINTVL, 10);
  SetOption(socket, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

// A second descriptor of the connection's socket, so that another thread can shut it down without
// racing with its closing.
class SocketHandle {
 public:
  SocketHandle() = default;
  SocketHandle(const SocketHandle&) = delete;
  SocketHandle& operator=(const SocketHandle&) = delete;

  ~SocketHandle() { Reset(); }

  // Called before the socket connects.
  void Adopt(int socket) {
    Reset();
    duplicate_ = fcntl(socket, F_DUPFD_CLOEXEC, 0);
    if (cancelled_) {
      Sabotage(socket);
    }
  }

  // False when the socket exists but does not connect yet: ask again.
  bool Cancel() {
    cancelled_ = true;
    return duplicate_ < 0 || shutdown(duplicate_, SHUT_RDWR) == 0;
  }

  bool Cancelled() const { return cancelled_; }

 private:
  // Makes the connect that follows fail at once.
  static void Sabotage(int socket) {
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
      dup3(null, socket, O_CLOEXEC);
      close(null);
    }
  }

  void Reset() {
    if (duplicate_ >= 0) {
      close(duplicate_);
      duplicate_ = -1;
    }
  }

  int duplicate_ = -1;
  bool cancelled_ = false;
};

HttpHead HeadOf(const httplib::Response& response) {
  HttpHead head;
  head.code = response.status;
  head.content_type = response.get_header_value("Content-Type");
  head.retry_after = response.get_header_value("Retry-After");
  const size_t count = response.get_header_value_count("Warning");
  for (size_t i = 0; i < count; ++i) {
    head.warnings.push_back(response.get_header_value("Warning", i));
  }
  return head;
}

}  // namespace

class HttpConnection::Implementation {
 public:
  explicit Implementation(HttpEndpoint endpoint) : endpoint_(std::move(endpoint)) {}

  Status Initialize() {
    if (endpoint_.tls) {
      auto tls = std::make_unique<httplib::SSLClient>(endpoint_.host, endpoint_.port);
      if (tls->ssl_context() == nullptr) {
        return Internal("OpenSSL refuses to make a context");
      }
      // OpenSSL verifies within the handshake; cpp-httplib 0.11.4 would look again, afterwards, and
      // falls back to the subject's common name.
      tls->enable_server_certificate_verification(false);
      ASSIGN_OR_RETURN(tls_settings_, TlsSettings::Apply(endpoint_, tls->ssl_context()));
      client_ = std::move(tls);
    } else {
      client_ = std::make_unique<httplib::ClientImpl>(endpoint_.host, endpoint_.port);
    }
    client_->set_keep_alive(true);
    client_->set_follow_location(false);
    client_->set_url_encode(false);
    client_->set_tcp_nodelay(true);
    client_->set_connection_timeout(endpoint_.connect_timeout);
    client_->set_socket_options([this](int socket) {
      KeepAlive(socket);
      socket_.With([socket](SocketHandle& handle) { handle.Adopt(socket); });
    });
    return OkStatus();
  }

  Status Exchange(const HttpRequest& request, const HttpSink& sink) {
    const SigpipeBlock no_sigpipe;
    client_->set_read_timeout(request.silence_timeout);
    client_->set_write_timeout(request.silence_timeout);
    httplib::Request outgoing;
    outgoing.method = request.method;
    outgoing.path = request.path;
    outgoing.body = request.body;
    for (const auto& [name, value] : request.headers) {
      outgoing.headers.emplace(name, value);
    }
    if (!request.content_type.empty()) {
      outgoing.headers.emplace("Content-Type", request.content_type);
    }
    outgoing.response_handler = [&sink](const httplib::Response& response) {
      sink.on_head(HeadOf(response));
      return true;
    };
    outgoing.content_receiver = [&sink](const char* data, size_t size, uint64_t, uint64_t) {
      return sink.on_body(std::string_view(data, size));
    };
    if (tls_settings_ != nullptr) {
      tls_settings_->ClearRefusal();
    }
    try {
      const auto sent_at = std::chrono::steady_clock::now();
      const httplib::Result result = client_->send(outgoing);
      return result ? OkStatus()
                    : Failure(result.error(), request, std::chrono::steady_clock::now() - sent_at);
    } catch (const std::exception& error) {
      return Internal("{}: {}", Address(), error.what());
    }
  }

  void Cancel() {
    // The socket is unconnected only for the instant between its making and connect().
    for (int attempt = 0; attempt < 20; ++attempt) {
      if (socket_.With([](SocketHandle& handle) { return handle.Cancel(); })) {
        return;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  const HttpEndpoint& Endpoint() const { return endpoint_; }

 private:
  std::string Address() const { return fmt::format("{} port {}", endpoint_.host, endpoint_.port); }

  Status Failure(httplib::Error error, const HttpRequest& request,
                 std::chrono::steady_clock::duration elapsed) const {
    const bool cancelled =
        socket_.With([](const SocketHandle& handle) { return handle.Cancelled(); });
    if (cancelled || error == httplib::Error::Canceled) {
      return MakeStatus(StatusCode::kCancelled, "cancelled");
    }
    switch (error) {
      case httplib::Error::Connection:
        return Unavailable("cannot connect to {}", Address());
      case httplib::Error::ConnectionTimeout:
        return Unavailable("no connection to {} within {} ms", Address(),
                           endpoint_.connect_timeout.count());
      case httplib::Error::SSLConnection:
        if (!tls_settings_->Refusal().empty()) {
          return Unavailable("the certificate of {} is not trusted: {}", Address(),
                             tls_settings_->Refusal());
        }
        return Unavailable("the TLS handshake with {} failed", Address());
      case httplib::Error::Read:
        if (elapsed >= request.silence_timeout) {
          return DeadlineExceeded("{} was silent for {} ms", Address(),
                                  request.silence_timeout.count());
        }
        return Unavailable("the connection to {} broke while reading", Address());
      case httplib::Error::Write:
        return Unavailable("the connection to {} broke while writing", Address());
      default:
        return Unavailable("{}: {}", Address(), httplib::to_string(error));
    }
  }

  HttpEndpoint endpoint_;
  Guarded<SocketHandle> socket_;
  // Outlives client_, whose context refers to it.
  std::unique_ptr<TlsSettings> tls_settings_;
  std::unique_ptr<httplib::ClientImpl> client_;
};

HttpConnection::HttpConnection(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}

HttpConnection::~HttpConnection() = default;

StatusOr<std::unique_ptr<HttpConnection>> HttpConnection::Create(HttpEndpoint endpoint) {
  auto implementation = std::make_unique<Implementation>(std::move(endpoint));
  RETURN_IF_ERROR(implementation->Initialize());
  return std::unique_ptr<HttpConnection>(new HttpConnection(std::move(implementation)));
}

Status HttpConnection::Exchange(const HttpRequest& request, const HttpSink& sink) {
  return implementation_->Exchange(request, sink);
}

void HttpConnection::Cancel() {
  implementation_->Cancel();
}

const HttpEndpoint& HttpConnection::Endpoint() const {
  return implementation_->Endpoint();
}

}  // namespace network_mapper::kube
