// Settings of a TLS client that cpp-httplib 0.11 lacks: verification by OpenSSL itself during the
// handshake (with IP subject alternative names), another server name than the host, certificates
// from memory, chains, and the reason of a refusal. Used by HttpConnection only.
#pragma once

#include <memory>
#include <string>

#include "common/kube/http_connection.h"
#include "common/status/status.h"

struct ssl_ctx_st;

namespace network_mapper::kube {

class TlsSettings {
 public:
  // Sets up `context` (an SSL_CTX), which refers to this object from then on: it must not be used
  // after this is gone.
  static StatusOr<std::unique_ptr<TlsSettings>> Apply(const HttpEndpoint& endpoint,
                                                      ssl_ctx_st* context);

  // Why the last handshake refused the server's certificate; empty when it did not.
  const std::string& Refusal() const { return refusal_; }

  void ClearRefusal() { refusal_.clear(); }

 private:
  friend struct TlsCallbacks;
  TlsSettings() = default;

  // Empty for an IP address (RFC 6066, section 3).
  std::string server_name_indication_;
  std::string refusal_;
};

}  // namespace network_mapper::kube
