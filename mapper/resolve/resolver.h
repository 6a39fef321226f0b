// Resolver: inventory + observation -> intents, or a reason why not. Pure: it keeps nothing between
// calls, reads no clock and makes no call. The pipeline runs it; the rules and where they differ
// from the original are listed in docs/parity.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/observation/observation.h"
#include "mapper/intents/batch_effect.h"
#include "mapper/inventory/inventory.h"
#include "mapper/resolve/refusal.h"
#include "mapper/resolve/reporter.h"

namespace network_mapper {

struct ResolveOptions {
  std::string cluster_domain = "cluster.local";
  // Exact names; an observation whose client or server is in one of them is refused.
  std::vector<std::string> excluded_namespaces;
  bool dns_enabled = true;
  bool tcp_enabled = true;
  bool socket_scan_enabled = true;
};

struct Verdict {
  enum class Kind : uint8_t {
    kResolved,
    // Unknown so far, but the inventory may be about to learn it.
    kHold,
    kRefused,
  };

  Kind kind = Kind::kResolved;
  // For kHold and kRefused.
  Refusal refusal = Refusal::kMalformed;
};

enum class Patience : uint8_t { kMayHold, kLastChance };

// Thread-safe.
class Resolver {
 public:
  explicit Resolver(ResolveOptions options);

  // Appends to `sightings` when the verdict is kResolved, and only then: one sighting, or one for
  // each workload behind the service that was addressed. With kLastChance the verdict is never
  // kHold. Where the reporter's node is proven, a pod that it can only know from its own node must
  // be on it. What the collector of the client's own node counts is a sighting of count 0.
  Verdict Resolve(const InventoryView& inventory, const Observation& observation, Patience patience,
                  std::vector<IntentSighting>& sightings, const Reporter& reporter = {}) const;

 private:
  ResolveOptions options_;
};

}  // namespace network_mapper
