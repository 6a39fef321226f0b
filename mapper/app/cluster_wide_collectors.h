// Collectors that look at the whole cluster instead of a node. They run inside the mapper, and in
// one only of those that share a map: the one that leads.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "common/kube/lease_election.h"
#include "common/status/status.h"

namespace network_mapper {

class ClusterWideCollectors {
 public:
  // Collects until stop is requested, and then returns within three seconds. Called on a thread of
  // its own, and again when this mapper leads again.
  using Collector = std::function<void(const std::stop_token&)>;

  // For a mapper that has its map for itself: it leads from now on.
  explicit ClusterWideCollectors(std::vector<Collector> collectors);
  // For one of several: it takes part in the election.
  ClusterWideCollectors(std::vector<Collector> collectors, kube::LeaseElectionOptions lease,
                        kube::LeaseElection::Dependencies dependencies);
  ClusterWideCollectors(const ClusterWideCollectors&) = delete;
  ClusterWideCollectors& operator=(const ClusterWideCollectors&) = delete;
  // Stops.
  ~ClusterWideCollectors();

  // Waits for the collectors, and lets another mapper lead.
  void Stop();

  // Thread-safe. Why this mapper takes no part in the election now.
  Status Health() const;
  // Thread-safe. Another mapper leads for certain.
  bool AnotherLeads() const;
  // Thread-safe. Who leads: "mapper-1_5f3a leads".
  std::string Leader() const;

 private:
  // Holds either.
  std::optional<kube::LeaseElection> election_;
  std::jthread alone_;
};

// The name of this process in elections: the host's, which is the pod's, and what no other life of
// it has.
std::string LeaseIdentity();

}  // namespace network_mapper
