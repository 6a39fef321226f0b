// CredentialSource: what a request carries to prove who sends it, kept fresh: token files are read
// again at least every minute, plugins run again when their credential expires, and both after a
// 401. Used by Client.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/concurrency/guarded.h"
#include "common/kube/cluster_access.h"
#include "common/status/status.h"
#include "common/time/clock.h"

namespace network_mapper::kube {

struct Credential {
  std::vector<std::pair<std::string, std::string>> headers;
  // PEM text of the client certificate and its key; empty without.
  std::string client_certificate;
  std::string client_key;
  // Changes whenever the rest may have changed.
  uint64_t generation = 0;
};

// The text of a source; empty for an absent one.
StatusOr<std::string> ReadPem(const PemSource& source);

// Thread-safe; a plugin runs once for all who wait for it.
class CredentialSource {
 public:
  // `access` and `clock` must outlive this.
  CredentialSource(const ClusterAccess& access, const Clock& clock)
      : access_(access), clock_(clock) {}

  StatusOr<Credential> Current();
  // The server answered 401 to the credential of `generation`. True when another may be had.
  bool Reject(uint64_t generation);

 private:
  struct State {
    std::optional<Credential> credential;
    uint64_t generation = 0;
    SteadyTime read_at;
    std::optional<Time> expires;
    bool rejected = false;
  };

  bool Fresh(const State& state) const;
  Status Refresh(State& state) const;
  StatusOr<Credential> Read(State& state) const;
  StatusOr<std::string> BearerToken(State& state, Credential& credential) const;

  const ClusterAccess& access_;
  const Clock& clock_;
  Guarded<State> state_;
};

}  // namespace network_mapper::kube
