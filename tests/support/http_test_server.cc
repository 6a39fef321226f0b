#include "tests/support/http_test_server.h"

#include <httplib.h>
#include <sys/socket.h>

#include <array>

namespace network_mapper {

namespace {

constexpr int kBacklog = 512;

int AcceptAnyCertificate(int /*verified*/, X509_STORE_CTX* /*store*/) {
  return 1;
}

StatusOr<std::unique_ptr<httplib::Server>> MakeServer(const std::optional<HttpTestTls>& tls) {
  if (!tls) {
    return std::make_unique<httplib::Server>();
  }
  auto server = std::make_unique<httplib::SSLServer>(tls->certificate.c_str(), tls->key.c_str());
  if (!server->is_valid()) {
    return InvalidArgument("no usable certificate and key in {} and {}", tls->certificate,
                           tls->key);
  }
  if (!tls->client_authority.empty()) {
    SSL_CTX* context = server->ssl_context();
    if (SSL_CTX_load_verify_locations(context, tls->client_authority.c_str(), nullptr) != 1) {
      return InvalidArgument("no certificate in {}", tls->client_authority);
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, &AcceptAnyCertificate);
    // Without it OpenSSL refuses sessions of clients that come back.
    static constexpr unsigned char kSessionContext[] = "http-test-server";
    SSL_CTX_set_session_id_context(context, kSessionContext, sizeof(kSessionContext) - 1);
  }
  return server;
}

}  // namespace

HttpTestServer::HttpTestServer(std::unique_ptr<httplib::Server> server,
                               const HttpTestServerOptions& options)
    : server_(std::move(server)), host_(options.host), tls_(options.tls.has_value()) {
  server_->new_task_queue = [threads = options.threads] {
    return new httplib::ThreadPool(threads);
  };
  server_->set_tcp_nodelay(true);
  server_->set_keep_alive_max_count(1'000'000);
  server_->set_keep_alive_timeout(2);
}

StatusOr<std::unique_ptr<HttpTestServer>> HttpTestServer::Start(
    const HttpTestServerOptions& options, const std::function<void(httplib::Server&)>& add_routes) {
  ASSIGN_OR_RETURN(std::unique_ptr<httplib::Server> made, MakeServer(options.tls));
  std::unique_ptr<HttpTestServer> server(new HttpTestServer(std::move(made), options));
  httplib::Server& http = *server->server_;
  add_routes(http);
  int listener = -1;
  http.set_socket_options([&listener](int socket) {
    constexpr int kOn = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &kOn, sizeof(kOn));
    listener = socket;
  });
  if (options.port == 0) {
    server->port_ = http.bind_to_any_port(options.host);
  } else {
    server->port_ = http.bind_to_port(options.host, options.port) ? options.port : -1;
  }
  if (server->port_ <= 0) {
    return Unavailable("cannot listen on {}:{}", options.host, options.port);
  }
  // cpp-httplib lets five clients wait; the next one's SYN would be dropped and sent again a second
  // later.
  listen(listener, kBacklog);
  server->thread_ = std::jthread([&http] { http.listen_after_bind(); });
  while (!http.is_running()) {
    std::this_thread::yield();
  }
  return server;
}

HttpTestServer::~HttpTestServer() {
  server_->stop();
}

std::string HttpTestServer::Url() const {
  const bool is_v6 = host_.find(':') != std::string::npos;
  return fmt::format("{}://{}:{}", tls_ ? "https" : "http",
                     is_v6 ? fmt::format("[{}]", host_) : host_, port_);
}

std::optional<std::string> VerifiedClientName(const httplib::Request& request) {
  if (request.ssl == nullptr || SSL_get_verify_result(request.ssl) != X509_V_OK) {
    return std::nullopt;
  }
  const std::unique_ptr<X509, void (*)(X509*)> peer(SSL_get1_peer_certificate(request.ssl),
                                                    X509_free);
  if (peer == nullptr) {
    return std::nullopt;
  }
  std::array<char, 100> name{};
  X509_NAME_get_text_by_NID(X509_get_subject_name(peer.get()), NID_commonName, name.data(),
                            static_cast<int>(name.size()));
  return name.data();
}

}  // namespace network_mapper
