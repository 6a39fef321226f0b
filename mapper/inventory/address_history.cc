#include "mapper/inventory/address_history.h"

#include <algorithm>

#include "mapper/inventory/pod_entry.h"

namespace network_mapper {

namespace {

// Chooses among tenures: one pod (or several of one workload, then the newest), or a failure.
class Choice {
 public:
  void Add(const Tenure& tenure) {
    if (best_ == nullptr) {
      best_ = &tenure;
      return;
    }
    if (best_->pod == tenure.pod) {
      return;
    }
    several_ = true;
    one_workload_ = one_workload_ &&
                    best_->pod->facts->workload.identity == tenure.pod->facts->workload.identity;
    if (tenure.from > best_->from) {
      best_ = &tenure;
    }
  }

  bool Empty() const { return best_ == nullptr; }

  bool Decided() const { return best_ != nullptr && (!several_ || one_workload_); }

  PodAnswer Answer() const {
    if (Empty()) {
      return {nullptr, LookupFailure::kUnknown};
    }
    if (!Decided()) {
      return {nullptr, LookupFailure::kAmbiguous};
    }
    return {best_->pod->facts, LookupFailure::kUnknown};
  }

 private:
  const Tenure* best_ = nullptr;
  bool several_ = false;
  bool one_workload_ = true;
};

// Times may be extreme (an open end, an epoch of zero): no overflow.
bool AtMostBefore(Time early, Time late, std::chrono::nanoseconds distance) {
  return late - distance <= early;
}

}  // namespace

template <typename Key>
const Tenure* TenureHistory<Key>::OpenTenure(const Key& key, const PodEntry& pod) const {
  auto found = tenures_.find(key);
  if (found == tenures_.end()) {
    return nullptr;
  }
  for (const Tenure& tenure : found->second) {
    if (tenure.pod.get() == &pod && tenure.until == Tenure::kOpen) {
      return &tenure;
    }
  }
  return nullptr;
}

template <typename Key>
bool TenureHistory<Key>::Remembers(const Key& key, const PodEntry& pod) const {
  auto found = tenures_.find(key);
  return found != tenures_.end() &&
         std::any_of(found->second.begin(), found->second.end(),
                     [&](const Tenure& tenure) { return tenure.pod.get() == &pod; });
}

template <typename Key>
void TenureHistory<Key>::Open(const Key& key, const Tenure& tenure) {
  std::vector<Tenure>& all = tenures_[key];
  for (Tenure& known : all) {
    if (known.pod == tenure.pod && known.until == Tenure::kOpen) {
      known.sure_from = std::min(known.sure_from, tenure.sure_from);
      known.sure_until = tenure.sure_until;
      return;
    }
  }
  all.push_back(tenure);
}

template <typename Key>
void TenureHistory<Key>::Close(const Key& key, const PodEntry& pod, Time sure_until, Time until,
                               Time now) {
  auto found = tenures_.find(key);
  if (found == tenures_.end()) {
    return;
  }
  for (Tenure& tenure : found->second) {
    if (tenure.pod.get() == &pod && tenure.until == Tenure::kOpen) {
      tenure.until = std::max(until, tenure.from);
      tenure.sure_until = std::min(sure_until, tenure.until);
      closings_.push_back({now, key, tenure.pod});
      break;
    }
  }
  while (closings_.size() > limits_.max_closed) {
    Forget(closings_.front());
    closings_.pop_front();
  }
}

template <typename Key>
void TenureHistory<Key>::AddClosed(const Key& key, const Tenure& tenure, Time now) {
  Tenure open = tenure;
  open.until = Tenure::kOpen;
  Open(key, open);
  Close(key, *tenure.pod, tenure.sure_until, tenure.until, now);
}

template <typename Key>
void TenureHistory<Key>::Expire(Time now) {
  while (!closings_.empty() && closings_.front().at + limits_.history < now) {
    Forget(closings_.front());
    closings_.pop_front();
  }
}

template <typename Key>
void TenureHistory<Key>::Forget(const Closing& closing) {
  auto found = tenures_.find(closing.key);
  PodEntryPtr pod = closing.pod.lock();
  if (found == tenures_.end() || pod == nullptr) {
    return;
  }
  // One closing stands for one tenure: the oldest closed one of that pod.
  auto oldest = std::find_if(found->second.begin(), found->second.end(), [&](const Tenure& tenure) {
    return tenure.pod == pod && tenure.until != Tenure::kOpen;
  });
  if (oldest != found->second.end()) {
    found->second.erase(oldest);
  }
  if (found->second.empty()) {
    tenures_.erase(found);
  }
}

template <typename Key>
PodAnswer TenureHistory<Key>::Find(const Key& key, Time time) const {
  auto found = tenures_.find(key);
  if (found == tenures_.end()) {
    return {nullptr, LookupFailure::kUnknown};
  }
  Choice possible;
  Choice sure;
  for (const Tenure& tenure : found->second) {
    if (tenure.from <= time && time < tenure.until) {
      possible.Add(tenure);
      if (tenure.sure_from <= time && time < tenure.sure_until) {
        sure.Add(tenure);
      }
    }
  }
  if (possible.Decided()) {
    return possible.Answer();
  }
  if (!possible.Empty()) {
    return sure.Decided() ? sure.Answer() : PodAnswer{nullptr, LookupFailure::kAmbiguous};
  }
  Choice near;
  for (const Tenure& tenure : found->second) {
    bool soon = time < tenure.from && AtMostBefore(time, tenure.from, limits_.clock_skew);
    bool just_over = tenure.until <= time && AtMostBefore(tenure.until, time, limits_.clock_skew);
    if (soon || just_over) {
      near.Add(tenure);
    }
  }
  return near.Answer();
}

template class TenureHistory<IpAddress>;
template class TenureHistory<HostPort>;

}  // namespace network_mapper
