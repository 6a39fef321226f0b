// Adds up what the sources say of their logs, of which some come and others go: for metrics and for
// the totals that travel to the mapper. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/metrics/metrics.h"
#include "kafka-watcher/log/log_source.h"

namespace network_mapper::kafka {

struct WatcherMetrics {
  // `registry` must outlive the metrics.
  explicit WatcherMetrics(MetricsRegistry& registry);

  Counter& lines;
  Counter& accesses;
  Counter& overlong;
  Counter& gaps;
  // By LineRefusal.
  std::array<Counter*, kAllLineRefusals.size()> refused;
  Gauge& logs;
  Gauge& logs_read;
  Gauge& silent_logs;
  Gauge& largest_lag;
  // The original's, with its name.
  Counter& reported_topics;
  Counter& saves;
  Counter& failed_saves;
};

class LineTally {
 public:
  // What earlier lives of the instance had.
  LineTally(uint64_t lines_read, uint64_t lines_refused)
      : lines_read_(lines_read), lines_refused_(lines_refused) {}

  void Add(const std::vector<LogState>& logs, WatcherMetrics& metrics);

  uint64_t LinesRead() const { return lines_read_; }

  // About an access to a topic that could have been on the map.
  uint64_t LinesRefused() const { return lines_refused_; }

 private:
  uint64_t lines_read_;
  uint64_t lines_refused_;
  std::map<std::string, LineCounts> known_;
};

}  // namespace network_mapper::kafka
