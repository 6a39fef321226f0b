// The watcher's instruments.
#pragma once

#include <array>

#include "common/metrics/metrics.h"
#include "istio-watcher/metrics/series.h"
#include "istio-watcher/scrape/scrape_failure.h"

namespace network_mapper::istio {

struct WatchMetrics {
  // `registry` must outlive the metrics.
  explicit WatchMetrics(MetricsRegistry& registry);

  void Count(const ReaderCounts& counts);

  Gauge& proxies;
  Gauge& unread_proxies;
  Gauge& series;
  Gauge& round_seconds;
  Counter& scrapes;
  Counter& commands;
  Counter& bytes;
  Counter& series_read;
  Counter& series_over_limit;
  Counter& surplus_generations;
  Counter& counted_elsewhere;
  Counter& without_path_label;
  std::array<Counter*, kAllScrapeFailures.size()> failures{};
  std::array<Counter*, kAllSeriesRefusals.size()> refused_series{};
  std::array<Counter*, kAllResourceRefusals.size()> refused_resources{};
};

}  // namespace network_mapper::istio
