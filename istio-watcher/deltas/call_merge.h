// What all proxies' counters grew by in one round of scrapes -> observations, each call once.
//
// The rule: a call that the client's proxy counted (reporter source) always counts. What the
// server's proxy or a waypoint counted is the same call again, unless nobody reads the client's
// proxy: it counts when the client is not covered, which is neither by a proxy of its own that the
// watcher found (Cover), nor by a series of the same metric with reporter source, of any proxy (a
// ztunnel and a gateway speak for others), in this round or within the last hour. Where a waypoint
// and the server's own proxy count the same edge, the waypoint wins.
//
// So nothing counts twice as long as proxies are found before their calls are seen at the other
// end. The calls of a pod whose proxy cannot be read are lost when another pod of its workload can
// be. Not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "common/observation/observation.h"
#include "common/time/clock.h"
#include "istio-watcher/deltas/growth.h"
#include "istio-watcher/deltas/proxy_counters.h"

namespace network_mapper::istio {

struct MergedRound {
  // Of collector istio; each edge, method, path and outcome once.
  std::vector<Observation> observations;
  // Events that were left out since another proxy counts them.
  uint64_t counted_elsewhere = 0;
};

class CallMerge {
 public:
  // The workload has pods with a proxy that is read. To be said before Take in each round in which
  // it is so; not of proxies that gave up (ProxyCounters::GaveUp).
  void Cover(MeshWorkload workload);
  void Add(ScrapeResult result);
  // Ends the round.
  MergedRound Take(Time now);

 private:
  static constexpr std::chrono::hours kCoveredFor{1};
  // Of sources, and of edges; what proxies say beyond is forgotten at once, so that it may count
  // twice.
  static constexpr size_t kMostKnown = 100'000;

  bool IsCountedElsewhere(const Call& call) const;
  template <typename Key>
  static void Remember(std::map<Key, Time>& known, Key key, Time now);

  struct WaypointEdge {
    Metric metric = Metric::kRequests;
    MeshWorkload source;
    MeshWorkload destination;

    friend auto operator<=>(const WaypointEdge&, const WaypointEdge&) = default;
  };

  // Of this round.
  std::set<MeshWorkload> covered_;
  std::vector<ScrapeResult> results_;
  // When they were last reported.
  std::map<CallSource, Time> sources_;
  std::map<WaypointEdge, Time> waypoint_edges_;
};

}  // namespace network_mapper::istio
