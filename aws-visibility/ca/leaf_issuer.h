// Who makes the certificates that the proxy shows to pods, one per server name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/status/status.h"
#include "common/time/clock.h"

namespace network_mapper::aws {

struct IssuedCertificate {
  // PEM: the leaf, then what leads to the authority. PEM of its private key, which is never logged.
  std::string chain;
  std::string key;
  Time not_after;
};

// Thread-safe.
class LeafIssuer {
 public:
  virtual ~LeafIssuer() = default;
  // `server_name`: a DNS name in lower case. Errors: not a name that the authority may speak for.
  virtual StatusOr<IssuedCertificate> Issue(std::string_view server_name) = 0;
  // Grows when the authority that signs has changed, so that certificates are to be issued anew.
  virtual uint64_t Generation() const = 0;
};

}  // namespace network_mapper::aws
