// TLS sessions with the real endpoints, by name, so that further connections to one resume it: they
// take a shorter handshake, and share the endpoint's certificates in memory, of which each would
// have some tens of KiB otherwise. Bounded; thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>

#include "aws-visibility/proxy/tls_pointers.h"
#include "common/concurrency/guarded.h"
#include "common/time/clock.h"

namespace network_mapper::aws {

class UpstreamSessions {
 public:
  // `clock` must outlive this.
  explicit UpstreamSessions(const Clock& clock, size_t most_sessions = 1024)
      : clock_(clock), most_sessions_(most_sessions) {}

  // `session` stays the caller's. It must come from a handshake in which the endpoint's certificate
  // was verified, not from one that resumed another: so each certificate is verified anew within an
  // hour.
  void Keep(const std::string& server_name, const SSL_SESSION& session);
  // For one connection alone; null: there is none, or it is too old.
  TlsPtr<SSL_SESSION> For(const std::string& server_name) const;

 private:
  struct Kept {
    TlsPtr<SSL_SESSION> session;
    SteadyTime since;
  };

  using Sessions = std::unordered_map<std::string, Kept>;

  const Clock& clock_;
  const size_t most_sessions_;
  Guarded<Sessions> sessions_;
};

}  // namespace network_mapper::aws
