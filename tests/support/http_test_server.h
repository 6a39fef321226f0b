// An httplib server on a thread of its own, plain or TLS, for tests and stand-ins that need more
// than the product's HttpServer gives: streaming answers, TLS, client certificates.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "common/status/status.h"

namespace httplib {
class Server;
struct Request;
}  // namespace httplib

namespace network_mapper {

// Paths of PEM files.
struct HttpTestTls {
  std::string certificate;
  std::string key;
  // Clients are asked for a certificate of this authority, as an API server asks: who shows none,
  // or a bad one, is still served. Empty: nobody is asked.
  std::string client_authority{};
};

struct HttpTestServerOptions {
  std::string host = "127.0.0.1";
  // 0: any free one.
  int port = 0;
  // Each open stream and each kept-alive connection takes one.
  size_t threads = 8;
  std::optional<HttpTestTls> tls{};
};

class HttpTestServer {
 public:
  // Listens when it returns. `add_routes` is called once, before.
  static StatusOr<std::unique_ptr<HttpTestServer>> Start(
      const HttpTestServerOptions& options,
      const std::function<void(httplib::Server&)>& add_routes);
  HttpTestServer(const HttpTestServer&) = delete;
  HttpTestServer& operator=(const HttpTestServer&) = delete;
  // Waits for the requests that run.
  ~HttpTestServer();

  int Port() const { return port_; }

  // "https://127.0.0.1:port".
  std::string Url() const;

 private:
  HttpTestServer(std::unique_ptr<httplib::Server> server, const HttpTestServerOptions& options);

  std::unique_ptr<httplib::Server> server_;
  std::string host_;
  bool tls_;
  int port_ = 0;
  std::jthread thread_;
};

// The common name of the client's certificate; absent when it showed none that the authority issued
// and that is valid now.
std::optional<std::string> VerifiedClientName(const httplib::Request& request);

}  // namespace network_mapper
