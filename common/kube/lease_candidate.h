// One candidate's part in an election by a Lease, without a network: what it may conclude from what
// it saw and wrote, and when. Never do two candidates lead at once, whatever is delayed or lost on
// the way, as long as their steady clocks run about equally fast. Clocks of day are written for
// people and never compared.
//
// The rules: another one's Lease may be taken when no change of it was seen for its duration. Who
// holds it leads for LeaseTiming::leads after its last write was *sent*, which is shorter. A Lease
// that is not there may have been deleted under a leader: who makes it waits for the duration.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "common/kube/lease.h"
#include "common/time/clock.h"

namespace network_mapper::kube {

struct LeaseTiming {
  // Silent for so long, a holder is taken for gone.
  std::chrono::milliseconds duration{15'000};
  // How long a write makes the holder the leader. Until `duration` its work has time to end.
  std::chrono::milliseconds leads{10'000};
  // Between two writes of the holder.
  std::chrono::milliseconds renewal{4'000};
  // Between two looks of the others, and after what failed.
  std::chrono::milliseconds retry{2'000};
};

// Not thread-safe.
class LeaseCandidate {
 public:
  // `identity` belongs to this candidate alone, not even to an earlier life of the same pod.
  LeaseCandidate(std::string identity, LeaseTiming timing);

  // Whether to ask for the Lease before the next claim.
  bool HasToLook() const;
  // The server's answer at `answered`; absent: there is no such Lease.
  void See(std::optional<Lease> lease, SteadyTime answered);
  // What to write to become or remain the holder; absent while another one is.
  std::optional<Lease> Claim(SteadyTime now, Time time_of_day) const;
  // The server took the claim and holds `lease` now.
  void Hold(Lease lease, SteadyTime sent, SteadyTime answered);

  // A write was refused, or got no answer: what the server holds is unknown.
  void Doubt() { is_sure_ = false; }

  bool Leads(SteadyTime now) const { return now >= leads_from_ && now < leads_until_; }

  // May be in the future for the holder of a new Lease.
  SteadyTime LeadsFrom() const { return leads_from_; }

  SteadyTime LeadsUntil() const { return leads_until_; }

  // What to write so that the next one need not wait; absent when this one has nothing to give up.
  // Only once the leader's work has ended.
  std::optional<Lease> Release(SteadyTime now) const;

  // Until when another one is taken for the holder, as far as was seen up to now.
  SteadyTime AnotherUntil() const;

  // As last seen; empty: nobody, or unknown.
  std::string Holder() const { return lease_ ? lease_->holder : std::string(); }

 private:
  bool IsMine() const { return lease_ && lease_->holder == identity_; }

  bool IsAnothers() const { return lease_ && !lease_->holder.empty() && !IsMine(); }

  void BeginWaiting(SteadyTime answered);

  const std::string identity_;
  const LeaseTiming timing_;
  std::optional<Lease> lease_;
  // When its last change was seen.
  SteadyTime changed_ = SteadyTime::min();
  // Nobody else has written since.
  bool is_sure_ = false;
  // There was none when last looked.
  bool was_absent_ = false;
  SteadyTime leads_from_ = SteadyTime::min();
  SteadyTime leads_until_ = SteadyTime::min();
};

}  // namespace network_mapper::kube
