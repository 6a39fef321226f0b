// How the proxy speaks TLS: as a server to pods, as a client to the real endpoints.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "aws-visibility/proxy/leaf_cache.h"
#include "aws-visibility/proxy/tls_pointers.h"
#include "aws-visibility/proxy/upstream_sessions.h"
#include "common/status/status.h"
#include "common/time/clock.h"

namespace network_mapper::aws {

// Thread-safe after Create.
class TlsContexts {
 public:
  // `roots_file`: PEM of the authorities that endpoints must be certified by; empty: the system's.
  // `clock` must outlive them.
  static StatusOr<TlsContexts> Create(const std::string& roots_file, const Clock& clock);

  // Null when out of memory. `protocols`: what the client offered, as it sent it.
  TlsPtr<SSL> ToUpstream(const std::string& server_name, std::string_view protocols) const;
  // `protocol`: the one to choose, or empty for none; lives until the handshake is over.
  TlsPtr<SSL> ToClient(const Leaf& leaf, const std::string& protocol) const;

 private:
  std::unique_ptr<UpstreamSessions> sessions_;
  TlsPtr<SSL_CTX> upstream_;
  TlsPtr<SSL_CTX> client_;
};

}  // namespace network_mapper::aws
