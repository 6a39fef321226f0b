// Certificates that are shown to pods, parsed once and kept until shortly before their end, or
// until the authority changes. Bounded; thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "aws-visibility/ca/leaf_issuer.h"
#include "aws-visibility/proxy/tls_pointers.h"
#include "common/concurrency/guarded.h"
#include "common/status/status.h"
#include "common/time/clock.h"

namespace network_mapper::aws {

struct Leaf {
  TlsPtr<X509> certificate;
  TlsPtr<EVP_PKEY> key;
  TlsPtr<STACK_OF(X509)> chain;
  Time not_after;
  uint64_t generation = 0;
};

class LeafCache {
 public:
  // Both must outlive this.
  LeafCache(LeafIssuer& issuer, const Clock& clock, size_t most_leaves = 1024)
      : issuer_(issuer), clock_(clock), most_leaves_(most_leaves) {}

  // Never null when OK. Errors: the issuer's, or that what it gave is no certificate.
  StatusOr<std::shared_ptr<const Leaf>> For(const std::string& server_name);

 private:
  using Leaves = std::unordered_map<std::string, std::shared_ptr<const Leaf>>;

  LeafIssuer& issuer_;
  const Clock& clock_;
  const size_t most_leaves_;
  Guarded<Leaves> leaves_;
};

}  // namespace network_mapper::aws
