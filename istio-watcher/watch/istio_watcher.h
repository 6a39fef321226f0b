// Istio watcher: reads the counters of all proxies of a service mesh, round after round, and writes
// what they grew by into a journal as observations. Everything happens on the thread that calls
// Run; what others may ask is thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <random>
#include <stop_token>
#include <string>
#include <vector>

#include "common/concurrency/guarded.h"
#include "common/metrics/metrics.h"
#include "common/status/status.h"
#include "common/time/clock.h"
#include "istio-watcher/deltas/call_merge.h"
#include "istio-watcher/deltas/proxy_counters.h"
#include "istio-watcher/scrape/proxy_scrape.h"
#include "istio-watcher/scrape/scrape_schedule.h"
#include "istio-watcher/watch/journal.h"
#include "istio-watcher/watch/proxy.h"
#include "istio-watcher/watch/proxy_table.h"
#include "istio-watcher/watch/watch_metrics.h"
#include "istio-watcher/watch/watch_report.h"

namespace network_mapper::istio {

struct WatchOptions {
  ScheduleOptions schedule;
  ScrapeOptions scrape;
  // What was seen before watching began counts, too.
  bool report_since_start = false;
  size_t max_series_per_proxy = 10'000;
  size_t max_series = 4'000'000;
  // Scrapes that are under way at a time: those that wait for a slow proxy.
  size_t max_scrapes = 256;
  // From one command in a proxy's pod to the next, at least: each starts a process. They go on
  // beside the scrapes, and nothing waits for them.
  std::chrono::nanoseconds command_interval = std::chrono::minutes(2);
  size_t max_commands = 8;
  // Which proxies `find` finds, in words. Once it is another choice, watching begins anew: proxies
  // that were not watched meanwhile are older than it.
  std::string scope;
};

struct WatchParts {
  FindProxies find;
  Journal& journal;
  MetricsRegistry& metrics;
  const Clock& clock;
  // For Envoys whose ports forbid it, and only those; null: they are not read.
  ProxyCommand* command = nullptr;
};

class IstioWatcher {
 public:
  // What the parts refer to must outlive it.
  IstioWatcher(WatchOptions options, WatchParts parts);

  // Until stop is requested; may be called again then. Goes on where the journal ends.
  void Run(const std::stop_token& stop);

  // Thread-safe. Empty while Run does not run.
  std::vector<std::string> Notices() const;
  // Thread-safe. "12 proxies".
  std::string Summary() const;

 private:
  // All that is known between Begin of the journal and the end of Run.
  struct Watch;

  Status RunOnce(const std::stop_token& stop);
  StatusOr<std::unique_ptr<Watch>> Begin(const std::stop_token& stop);
  Status ScrapeRound(Watch& watch, const Round& round, SteadyTime end, const std::stop_token& stop);
  void BeginScrape(WatchedProxy& proxy);
  void BeginCommands(Watch& watch);
  void AdvanceScrapes(Watch& watch, std::chrono::nanoseconds patience);
  void EndScrape(Watch& watch, WatchedProxy& proxy);
  void NoteFailure(WatchedProxy& proxy);
  Status Report(Watch& watch, const std::stop_token& stop);
  void Publish(Watch& watch);

  WatchOptions options_;
  WatchParts parts_;
  WatchMetrics metrics_;
  std::minstd_rand random_;
  Guarded<WatchReport> report_;
  size_t notices_logged_ = 0;
};

}  // namespace network_mapper::istio
