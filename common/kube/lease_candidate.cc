#include "common/kube/lease_candidate.h"

#include <algorithm>
#include <utility>

namespace network_mapper::kube {

LeaseCandidate::LeaseCandidate(std::string identity, LeaseTiming timing)
    : identity_(std::move(identity)), timing_(timing) {}

bool LeaseCandidate::HasToLook() const {
  return !is_sure_ || !IsMine();
}

void LeaseCandidate::See(std::optional<Lease> lease, SteadyTime answered) {
  const bool is_known = lease && lease_ && lease->resource_version == lease_->resource_version;
  if (!is_known) {
    changed_ = answered;
  }
  lease_ = std::move(lease);
  is_sure_ = true;
  if (!IsMine()) {
    leads_until_ = SteadyTime::min();
  }
  BeginWaiting(answered);
  was_absent_ = !lease_;
}

// A former leader may not know yet that its Lease was deleted.
void LeaseCandidate::BeginWaiting(SteadyTime answered) {
  if (std::exchange(was_absent_, false) && IsMine()) {
    leads_from_ = answered + timing_.duration;
  }
}

SteadyTime LeaseCandidate::AnotherUntil() const {
  // The holder may be a program with another timing.
  return IsAnothers()
             ? changed_ + std::max<std::chrono::milliseconds>(timing_.duration, lease_->duration)
             : SteadyTime::min();
}

std::optional<Lease> LeaseCandidate::Claim(SteadyTime now, Time time_of_day) const {
  if (now < AnotherUntil()) {
    return std::nullopt;
  }
  Lease claim = lease_.value_or(Lease());
  const std::string written = FormatMicroTime(time_of_day);
  if (!IsMine()) {
    claim.acquired = written;
    claim.transitions += lease_ ? 1 : 0;
  }
  claim.holder = identity_;
  claim.duration = std::chrono::ceil<std::chrono::seconds>(timing_.duration);
  claim.renewed = written;
  return claim;
}

void LeaseCandidate::Hold(Lease lease, SteadyTime sent, SteadyTime answered) {
  lease_ = std::move(lease);
  changed_ = answered;
  is_sure_ = true;
  BeginWaiting(answered);
  leads_until_ = IsMine() ? sent + timing_.leads : SteadyTime::min();
}

std::optional<Lease> LeaseCandidate::Release(SteadyTime now) const {
  // Who still waits for a former leader to end must not let another one begin.
  if (!is_sure_ || !IsMine() || now < leads_from_) {
    return std::nullopt;
  }
  Lease released = *lease_;
  released.holder.clear();
  released.duration = std::chrono::seconds(1);
  return released;
}

}  // namespace network_mapper::kube
