// Which pod held an address when. The inventory's answer to address reuse: an address is looked up
// as of the time of an observation, not as of now. The same for a node's port behind which a pod
// is, which pods hold one after the other like an address. Not thread-safe; reads no clock.
//
// What is known about a tenure, and the rule that follows:
// - `from`: earliest moment. A pod gets its address after the kubelet took it in hand, so it is
//   status.startTime (the clock of the node, which is also the clock of the client's observations),
//   else metadata.creationTimestamp. Both are cut to whole seconds. It is NOT the arrival of the
//   status with the address: a pod sends before its address is in the API.
// - `sure_from`: from here on it certainly held it: the arrival of the first status with the
//   address, or one second after a container was seen to have started, whichever is earlier.
// - `sure_until`: until here it certainly held it: now, for a live pod; the request to delete it,
//   for a terminating pod (which may go on sending) unless the second in which its last container
//   ended is known.
// - `until`: latest moment: one second after the last container's finishedAt (whole seconds), else
//   the arrival of the event that told of the end (DELETED, another address, a relist without it).
//
// At time t: the only tenure with from <= t < until, if there is one. Of several the only one with
// sure_from <= t < sure_until: so the address is its new pod's from the end of the previous holder,
// although the new pod was created before that end. If that does not decide, but all of them are
// the same workload, the newest; else the answer is "ambiguous". If there is none, a tenure that is
// at most `clock_skew` away, unless two pods are that near.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

#include "common/net/ip_address.h"
#include "common/time/clock.h"
#include "mapper/inventory/host_port.h"
#include "mapper/inventory/inventory.h"

namespace network_mapper {

struct PodEntry;
using PodEntryPtr = std::shared_ptr<PodEntry>;

struct Tenure {
  static constexpr Time kOpen = Time::max();

  PodEntryPtr pod;
  Time from;
  Time sure_from;
  Time sure_until = kOpen;
  Time until = kOpen;
};

struct TenureHistoryLimits {
  // How long a tenure is kept after it was closed.
  std::chrono::nanoseconds history = std::chrono::minutes(10);
  std::chrono::nanoseconds clock_skew = std::chrono::seconds(2);
  // Closed tenures; the oldest go first.
  size_t max_closed = 100'000;
};

// Key: what is held, IpAddress or HostPort.
template <typename Key>
class TenureHistory {
 public:
  explicit TenureHistory(TenureHistoryLimits limits) : limits_(limits) {}

  // The open tenure of this pod, or null.
  const Tenure* OpenTenure(const Key& key, const PodEntry& pod) const;
  // Whether the pod ever held it, as far as is remembered.
  bool Remembers(const Key& key, const PodEntry& pod) const;
  // Opens a tenure, or refines the open one of the same pod: `sure_from` only ever moves back.
  void Open(const Key& key, const Tenure& tenure);
  // Ends the pod's open tenure, if there is one. `now` is the time of arrival.
  void Close(const Key& key, const PodEntry& pod, Time sure_until, Time until, Time now);
  // Adds a tenure that was over before it was first seen.
  void AddClosed(const Key& key, const Tenure& tenure, Time now);
  // Forgets tenures that were closed more than `history` ago.
  void Expire(Time now);

  // `pod` is null with kUnknown or kAmbiguous.
  PodAnswer Find(const Key& key, Time time) const;

  size_t KeyCount() const { return tenures_.size(); }

 private:
  struct Closing {
    Time at;
    Key key;
    std::weak_ptr<PodEntry> pod;
  };

  void Forget(const Closing& closing);

  TenureHistoryLimits limits_;
  std::unordered_map<Key, std::vector<Tenure>> tenures_;
  std::deque<Closing> closings_;
};

using AddressHistory = TenureHistory<IpAddress>;
using HostPortHistory = TenureHistory<HostPort>;

}  // namespace network_mapper
