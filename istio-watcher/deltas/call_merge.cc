#include "istio-watcher/deltas/call_merge.h"

#include <algorithm>
#include <utility>

namespace network_mapper::istio {

namespace {

struct Sum {
  uint64_t count = 0;
  Time after;
  Time until;
};

Observation ToObservation(const Call& call, const Sum& sum) {
  Observation observation;
  observation.collector = Collector::kIstio;
  observation.first_seen = sum.after;
  observation.last_seen = sum.until;
  observation.count = sum.count;
  HttpTarget target;
  target.client_workload = call.source.name;
  target.client_namespace = call.source.name_space;
  target.server_workload = call.destination.name;
  target.server_namespace = call.destination.name_space;
  target.service = call.service;
  target.path = call.path;
  if (call.method) {
    target.methods.push_back(*call.method);
  }
  target.answered = call.answered;
  target.connections_only = call.metric == Metric::kTcpConnectionsOpened;
  observation.target = std::move(target);
  return observation;
}

}  // namespace

void CallMerge::Cover(MeshWorkload workload) {
  covered_.insert(std::move(workload));
}

void CallMerge::Add(ScrapeResult result) {
  results_.push_back(std::move(result));
}

bool CallMerge::IsCountedElsewhere(const Call& call) const {
  if (call.reporter == Reporter::kSource) {
    return false;
  }
  if (covered_.contains(call.source) || sources_.contains({call.metric, call.source})) {
    return true;
  }
  return call.reporter == Reporter::kDestination &&
         waypoint_edges_.contains({call.metric, call.source, call.destination});
}

template <typename Key>
void CallMerge::Remember(std::map<Key, Time>& known, Key key, Time now) {
  if (const auto found = known.find(key); found != known.end()) {
    found->second = now;
  } else if (known.size() < kMostKnown) {
    known.emplace(std::move(key), now);
  }
}

MergedRound CallMerge::Take(Time now) {
  for (const ScrapeResult& result : results_) {
    for (const CallSource& source : result.sources) {
      Remember(sources_, source, now);
    }
    for (const Growth& growth : result.growth) {
      const Call& call = growth.call;
      if (call.reporter == Reporter::kWaypoint) {
        Remember(waypoint_edges_, {call.metric, call.source, call.destination}, now);
      }
    }
  }
  const auto is_old = [now](const auto& entry) { return now - entry.second > kCoveredFor; };
  std::erase_if(sources_, is_old);
  std::erase_if(waypoint_edges_, is_old);

  MergedRound round;
  std::map<Call, Sum> sums;
  for (ScrapeResult& result : results_) {
    for (Growth& growth : result.growth) {
      if (IsCountedElsewhere(growth.call)) {
        round.counted_elsewhere += growth.count;
        continue;
      }
      // Who counted it says nothing more.
      growth.call.reporter = Reporter::kSource;
      const auto [found, is_new] =
          sums.try_emplace(std::move(growth.call), Sum{0, growth.after, growth.until});
      Sum& sum = found->second;
      sum.count = std::min(sum.count + growth.count, kMostEvents);
      sum.after = std::min(sum.after, growth.after);
      sum.until = std::max(sum.until, growth.until);
    }
  }
  round.observations.reserve(sums.size());
  for (const auto& [call, sum] : sums) {
    round.observations.push_back(ToObservation(call, sum));
  }
  results_.clear();
  covered_.clear();
  return round;
}

}  // namespace network_mapper::istio
