// One HTTP/1.1 connection to the API server, plain or TLS 1.2+. Used by Client only, which keeps a
// few of them. It knows addresses, certificates and time limits, and no authentication.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/status/status.h"

namespace network_mapper::kube {

struct HttpEndpoint {
  bool tls = false;
  // Without brackets.
  std::string host;
  int port = 0;
  // Verified and sent as SNI instead of `host`.
  std::string tls_server_name;
  bool insecure_skip_tls_verify = false;
  // PEM; an empty authority is the system's trust store.
  std::string certificate_authority;
  std::string client_certificate;
  std::string client_key;
  std::chrono::milliseconds connect_timeout{10'000};

  friend bool operator==(const HttpEndpoint&, const HttpEndpoint&) = default;
};

struct HttpRequest {
  std::string method = "GET";
  std::string path;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string content_type;
  // Longest silence while reading and writing.
  std::chrono::milliseconds silence_timeout{30'000};
};

struct HttpHead {
  int code = 0;
  std::string content_type;
  std::string retry_after;
  std::vector<std::string> warnings;
};

// What became of an exchange. The callbacks run on the calling thread.
struct HttpSink {
  std::function<void(const HttpHead&)> on_head;
  // The decompressed body; false ends the exchange, which then is Cancelled.
  std::function<bool(std::string_view)> on_body;
};

class HttpConnection {
 public:
  // Connects with the first exchange. Fails on certificates and keys that do not parse.
  static StatusOr<std::unique_ptr<HttpConnection>> Create(HttpEndpoint endpoint);
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;
  ~HttpConnection();

  // One request and its answer, whatever its code. Not thread-safe.
  Status Exchange(const HttpRequest& request, const HttpSink& sink);
  // Ends the current exchange at once, or the next one before it starts. From any thread; final.
  void Cancel();

  const HttpEndpoint& Endpoint() const;

 private:
  class Implementation;
  explicit HttpConnection(std::unique_ptr<Implementation> implementation);

  std::unique_ptr<Implementation> implementation_;
};

}  // namespace network_mapper::kube
