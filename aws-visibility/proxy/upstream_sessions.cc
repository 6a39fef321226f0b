#include "aws-visibility/proxy/upstream_sessions.h"

#include <chrono>
#include <utility>

namespace network_mapper::aws {

namespace {

constexpr std::chrono::hours kLongestUse{1};

// OpenSSL marks a session as not to be resumed when its connection breaks off; a copy is not.
TlsPtr<SSL_SESSION> Copy(const SSL_SESSION& session) {
  return TlsPtr<SSL_SESSION>(SSL_SESSION_dup(&session));
}

}  // namespace

void UpstreamSessions::Keep(const std::string& server_name, const SSL_SESSION& session) {
  Kept kept{.session = Copy(session), .since = clock_.SteadyNow()};
  if (kept.session == nullptr) {
    ERR_clear_error();
    return;
  }
  sessions_.With([&](Sessions& sessions) {
    if (sessions.size() >= most_sessions_ && !sessions.contains(server_name)) {
      // Whose turn it is does not matter: without one the handshake is longer.
      sessions.erase(sessions.begin());
    }
    sessions[server_name] = std::move(kept);
  });
}

TlsPtr<SSL_SESSION> UpstreamSessions::For(const std::string& server_name) const {
  const SteadyTime now = clock_.SteadyNow();
  return sessions_.With([&](const Sessions& sessions) -> TlsPtr<SSL_SESSION> {
    const auto found = sessions.find(server_name);
    return found == sessions.end() || now - found->second.since >= kLongestUse
               ? nullptr
               : Copy(*found->second.session);
  });
}

}  // namespace network_mapper::aws
