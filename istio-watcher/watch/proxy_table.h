// The proxies that are watched, with their counters, from round to round and over restarts. Not
// thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "common/time/clock.h"
#include "istio-watcher/deltas/call_merge.h"
#include "istio-watcher/deltas/proxy_counters.h"
#include "istio-watcher/deltas/series_budget.h"
#include "istio-watcher/scrape/proxy_scrape.h"
#include "istio-watcher/watch/journal.h"
#include "istio-watcher/watch/proxy.h"

namespace network_mapper::istio {

struct WatchedProxy {
  WatchedProxy(const ProxyInstance& instance, const DeltaOptions& options, SeriesBudget& budget)
      : counters(instance, options, budget) {}

  WatchedProxy(const ProxySnapshot& snapshot, const DeltaOptions& options, SeriesBudget& budget)
      : counters(snapshot, options, budget) {}

  Proxy proxy;
  // It was read since the last Changes.
  bool was_read = false;
  // What is on disk of its counters, as a hash.
  std::optional<uint64_t> saved;
  std::optional<uint64_t> being_saved;
  // Not in the cluster since then.
  std::optional<SteadyTime> missing_since;
  // Index of the port that answered last.
  size_t port = 0;
  // Of the last answer: series of requests, and those without a label for the path.
  uint64_t requests = 0;
  uint64_t requests_without_path = 0;
  // Of the last scrape, and how many have failed in a row.
  std::optional<ScrapeFailure> failure;
  unsigned failures = 0;
  // Its metrics are for its pod only, so that it is read by a command; the next one not before.
  bool is_forbidden = false;
  SteadyTime next_command{};

  ProxyCounters counters;
  // While one is under way. It uses the counters, and so ends before them.
  std::unique_ptr<ProxyScrape> scrape;
};

class ProxyTable {
 public:
  // Names of what is saved begin so; the rest is the pod's UID.
  static constexpr const char* kSavedPrefix = "istio/proxy/";

  // `options` and `budget` must outlive it.
  ProxyTable(const DeltaOptions& options, SeriesBudget& budget)
      : options_(options), budget_(budget) {}

  void Restore(const ProxySnapshot& snapshot, SteadyTime now);

  // These are all. A scrape of one that has restarted is given up. A pod that is missing for long
  // is forgotten, here and in what is saved.
  void Update(std::vector<Proxy> proxies, SteadyTime now);

  // In no order. Valid until the next Update.
  std::vector<WatchedProxy*> All() const;
  // Those that can be read now.
  std::vector<WatchedProxy*> Readable() const;
  std::vector<WatchedProxy*> BeingScraped() const;

  void Cover(CallMerge& merge) const;

  // What is to be saved with what was reported up to now; once it is saved, call KeepSaved.
  SavedChanges Changes();
  void KeepSaved();

 private:
  const DeltaOptions& options_;
  SeriesBudget& budget_;
  std::unordered_map<PodUid, std::unique_ptr<WatchedProxy>> proxies_;
  std::vector<PodUid> forgotten_;
};

}  // namespace network_mapper::istio
