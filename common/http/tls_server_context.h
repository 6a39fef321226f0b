// With which certificate an HttpServer speaks TLS. It may be replaced while the server runs: new
// connections get the new one. Thread-safe.
#pragma once

#include <memory>
#include <string_view>

#include "common/concurrency/guarded.h"
#include "common/status/status.h"

using SSL_CTX = struct ssl_ctx_st;

namespace network_mapper {

class TlsServerContext {
 public:
  // PEM: the certificate, then what leads to its authority; its private key, not encrypted. Errors
  // (then the one before stays) have no text of the key.
  Status SetCertificate(std::string_view chain, std::string_view key);

  // Null before the first certificate.
  std::shared_ptr<SSL_CTX> Current() const;

 private:
  Guarded<std::shared_ptr<SSL_CTX>> current_;
};

}  // namespace network_mapper
