// Answers "which pod had this address at that time", for pods of this node, from the sequence of
// namespace scans. It keeps a short history, so that an address that is taken over by another pod
// within a second is attributed to the right one; where it cannot be certain it says nothing.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/net/ip_address.h"
#include "common/observation/pod_uid.h"
#include "common/time/clock.h"
#include "sniffer/procfs/namespace_scanner.h"

namespace network_mapper::sniffer {

struct PodAttributionOptions {
  // How long the end of an ownership is remembered.
  std::chrono::nanoseconds memory = std::chrono::seconds(60);
  // An owner that a scan no longer found is believed to have kept the address until then, but for
  // no longer than this after it was last seen.
  std::chrono::nanoseconds largest_gap = std::chrono::seconds(2);
};

// Not thread-safe.
class PodAttribution {
 public:
  explicit PodAttribution(PodAttributionOptions options = {}) : options_(options) {}

  // Takes in a scan. Scans must come in the order of their times.
  void Update(const NamespaceSnapshot& snapshot);

  // Absent: not a pod of this node, not known (yet), or not certain. Times after the last scan are
  // not certain.
  std::optional<PodUid> OwnerAt(const IpAddress& address, Time when) const;

  // True when one and the same namespace had the address from `first` to `last`.
  bool SameOwner(const IpAddress& address, Time first, Time last) const;

  // Whether the host's namespace had the address at the last scan.
  bool IsHostAddress(const IpAddress& address) const;

 private:
  struct Ownership {
    NamespaceId namespace_id;
    // Absent: a namespace without a pod, or several namespaces with this address.
    std::optional<PodUid> pod_uid;
    Time from;
    // Owned without doubt from `from` up to here.
    Time until;
    // The last scan still found it.
    bool current = true;
  };

  // Oldest first; periods do not overlap.
  using History = std::vector<Ownership>;

  void Observe(const IpAddress& address, const Ownership& seen, Time scan);
  void EndMissing(History& history, Time scan) const;
  const Ownership* Find(const IpAddress& address, Time when) const;

  PodAttributionOptions options_;
  std::unordered_map<IpAddress, History> histories_;
  std::unordered_set<IpAddress> host_addresses_;
  Time last_scan_;
};

}  // namespace network_mapper::sniffer
