// The counters of one life of one proxy, from scrape to scrape -> what they grew by. Istio's
// counters run since the proxy's start; only what happened while the proxy was watched counts.
//
//   A proxy that started before the watching: its first scrape is the baseline, nothing is
//   reported. A proxy that started since: the baseline is zero, and so it is for a series that a
//   known proxy has not had before. A series that shrank was reset, evicted or rotated away: all of
//   its new value is growth. Two series of one identity in a scrape: the proxy rotates its metrics
//   (Istio 1.18 to 1.27). The older one stands still and vanishes; growth is that of both, then
//   that of the younger. A series that is missing keeps its value for a grace time. A scrape that
//   failed or was cut changes nothing; the next one finds all growth.
//
// A series costs 24 bytes between scrapes. Not thread-safe; different proxies may be used by
// different threads.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/observation/pod_uid.h"
#include "common/time/clock.h"
#include "istio-watcher/deltas/growth.h"
#include "istio-watcher/deltas/series_budget.h"
#include "istio-watcher/metrics/series.h"

namespace network_mapper::istio {

// One life of a proxy: a restarted container is another one.
struct ProxyInstance {
  PodUid pod;
  // status.containerStatuses[].state.running.startedAt of the proxy's container, or that of
  // initContainerStatuses (native sidecars). Whole seconds, by the kubelet's clock.
  Time started_at;

  friend auto operator<=>(const ProxyInstance&, const ProxyInstance&) = default;
};

struct DeltaOptions {
  // Since when no proxy starts without being noticed: the watcher's start, or, when the snapshots
  // of all proxies survived, the start of the first watcher whose snapshots these are.
  Time watching_since;
  // Also report what an older proxy counted before, as the original does.
  bool report_since_start = false;
  // How long a series that is missing keeps its value (an evicted one may come back).
  std::chrono::nanoseconds grace = std::chrono::minutes(10);
  size_t max_series_per_proxy = 10'000;
  // Of what grew in one scrape, names and paths, in bytes.
  size_t max_texts_per_scrape = size_t{4} * 1024 * 1024;
  // The clients of one proxy; a ztunnel has those of a node.
  size_t max_sources = 1'000;
  // A proxy that failed so often before its first good scrape takes that one as its baseline: the
  // other ends of its calls have counted instead (CallMerge).
  unsigned attempts_before_giving_up = 3;
};

// What one scrape showed.
struct ScrapeResult {
  // Each call once.
  std::vector<Growth> growth;
  // The clients whose calls the proxy counts as theirs (reporter source), grown or not.
  std::set<CallSource> sources;
  // Series that found no room, for themselves or for the texts of what grew; they are not watched,
  // and say nothing when there is room again.
  uint64_t series_over_limit = 0;
  // Series beyond two of one identity.
  uint64_t surplus_generations = 0;
};

// What outlives a restart of the watcher.
struct ProxySnapshot {
  struct Counter {
    uint64_t identity = 0;
    uint64_t value = 0;
    // Absent: it was in the last scrape.
    std::optional<Time> missing_since;

    friend bool operator==(const Counter&, const Counter&) = default;
  };

  ProxyInstance proxy;
  Time scraped_at;
  // The last scrape had series over the limit.
  bool overflowed = false;
  // Sorted by identity; of two of one identity the older one comes first.
  std::vector<Counter> counters;

  friend bool operator==(const ProxySnapshot&, const ProxySnapshot&) = default;
};

enum class ScrapeEnd : uint8_t {
  kComplete,
  kFailed,
  // Nothing was learnt, and nothing tried in vain: there is another way to read it.
  kPutOff,
};

class ProxyCounters {
 public:
  // `options` and `budget` must outlive it.
  ProxyCounters(const ProxyInstance& proxy, const DeltaOptions& options, SeriesBudget& budget);
  // Goes on where the snapshot ends.
  ProxyCounters(const ProxySnapshot& snapshot, const DeltaOptions& options, SeriesBudget& budget);
  ProxyCounters(const ProxyCounters&) = delete;
  ProxyCounters& operator=(const ProxyCounters&) = delete;
  ~ProxyCounters();

  void BeginScrape();
  void Take(const Series& series);
  // `at` is when the scrape began: what happens later belongs to the next one. The
  // result is empty but with kComplete.
  ScrapeResult EndScrape(ScrapeEnd end, Time at);

  // Absent until the first complete scrape.
  std::optional<ProxySnapshot> Snapshot() const;

  const ProxyInstance& Proxy() const { return proxy_; }

  // The container is said to be one that started then. True: that one has been read already, since
  // the kubelet tells of a restart a moment after it; what is known is its. False: this is over.
  bool GoesOnSince(Time started_at);

  // Nothing is known of it, and others should count its calls.
  bool GaveUp() const {
    return !scraped_at_ && failed_attempts_ >= options_.attempts_before_giving_up;
  }

  size_t SeriesCount() const { return counters_.size(); }

 private:
  class KeptCounters;

  static constexpr uint32_t kNoCall = UINT32_MAX;

  struct Counter {
    uint64_t identity = 0;
    uint64_t value = 0;
    // Time{}: it is there.
    Time missing_since;
  };

  struct Seen {
    uint64_t identity = 0;
    uint64_t value = 0;
    // In calls_.
    uint32_t call = kNoCall;
  };

  bool TakeRoom(size_t used);
  bool TakeTexts(const Call& call);
  void NoteSource(const Series& series);
  // Its value is that of the last scrape, of which no other series has been it.
  bool IsUnchanged(const Series& series);
  bool StartsFromZero() const;
  void Compare(Time at, ScrapeResult& result);

  ProxyInstance proxy_;
  const DeltaOptions& options_;
  SeriesBudget& budget_;
  // Sorted as in a snapshot.
  std::vector<Counter> counters_;
  std::optional<Time> scraped_at_;
  unsigned failed_attempts_ = 0;
  bool overflowed_ = false;

  // Of the scrape that is under way.
  std::vector<Seen> seen_;
  std::map<Call, uint32_t> calls_;
  std::set<CallSource> sources_;
  std::set<CallSource>::const_iterator last_source_;
  // By index in counters_: a series of that value was there.
  std::vector<bool> touched_;
  // Of the budget, for calls_.
  size_t texts_ = 0;
  // Series that were left out since there are more than any proxy may have.
  uint64_t surplus_ = 0;
};

}  // namespace network_mapper::istio
