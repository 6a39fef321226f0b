// Leader election by a Lease: of all programs that name the same Lease at most one leads at a time.
// RBAC in the Lease's namespace: leases, get, create and update.
//
// A leader that ends releases the Lease, and the next one leads within about LeaseTiming::retry;
// one that was killed, or lost the API server, is followed after LeaseTiming::duration. It stops
// leading before that by itself. While the API server is away for longer, nobody leads.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "common/kube/client.h"
#include "common/kube/lease_candidate.h"
#include "common/metrics/metrics.h"
#include "common/status/status.h"
#include "common/time/clock.h"

namespace network_mapper::kube {

struct LeaseElectionOptions {
  std::string name_space;
  std::string name;
  // See LeaseCandidate.
  std::string identity;
  LeaseTiming timing = {};
  // While it says no, this one neither takes the Lease nor keeps it. Called every few seconds, on
  // the election's thread. Empty: yes.
  std::function<bool()> is_fit{};
};

struct LeaseElectionState {
  bool is_leader = false;
  // Another one holds the Lease, and was not silent for too long.
  bool another_leads = false;
  // Who holds the Lease, as last seen; empty: nobody, or unknown.
  std::string holder;
  // Why the last attempt failed, with the remedy.
  Status last_error;
};

class LeaseElection {
 public:
  // What the leader does. Called for each term, on a thread of its own, one call after the other;
  // has to return within LeaseTiming::duration - LeaseTiming::leads once stop is requested. It may
  // return earlier, which ends no term.
  using Work = std::function<void(const std::stop_token&)>;

  // Begins at once. What is passed by reference must outlive this.
  struct Dependencies {
    Client& client;
    MetricsRegistry& metrics;
    const Clock& clock = Clock::System();
  };

  LeaseElection(LeaseElectionOptions options, Dependencies dependencies, Work work);
  LeaseElection(const LeaseElection&) = delete;
  LeaseElection& operator=(const LeaseElection&) = delete;
  // Stops.
  ~LeaseElection();

  // Ends the term and then releases the Lease, which takes one request. Not from within the work.
  void Stop();

  // Thread-safe. IsLeader goes by the clock, also in a program that was suspended in between.
  bool IsLeader() const;
  LeaseElectionState State() const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace network_mapper::kube
