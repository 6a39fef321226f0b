#include "kafka-watcher/app/line_tally.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace network_mapper::kafka {

namespace {

std::string Named(std::string_view what) {
  return "network_mapper_kafka_watcher_" + std::string(what);
}

// Since the last look; a log that came back with its name counts from zero.
uint64_t GrowthOf(uint64_t known, uint64_t now) {
  return now >= known ? now - known : now;
}

// Whether the line may have been about an edge. The others are well understood and of no use.
bool MayBeAnAccess(LineRefusal refusal) {
  switch (refusal) {
    case LineRefusal::kOtherResource:
    case LineRefusal::kProbe:
    case LineRefusal::kTrace:
      return false;
    case LineRefusal::kUnknownOperation:
    case LineRefusal::kIllegalTopic:
    case LineRefusal::kBadHost:
    case LineRefusal::kHiddenClient:
    case LineRefusal::kMalformed:
      return true;
  }
  return true;
}

void Count(Counter& counter, uint64_t amount) {
  if (amount > 0) {
    counter.Increment(static_cast<double>(amount));
  }
}

}  // namespace

WatcherMetrics::WatcherMetrics(MetricsRegistry& registry)
    : lines(registry.AddCounter(Named("lines_total"), "Lines of logs that were read.")),
      accesses(
          registry.AddCounter(Named("accesses_total"), "Lines that told of an access to a topic.")),
      overlong(registry.AddCounter(Named("overlong_lines_total"),
                                   "Lines that were too long to be read to their end.")),
      gaps(registry.AddCounter(Named("gaps_total"), "Times at which lines may have been lost.")),
      refused(),
      logs(registry.AddGauge(Named("logs"), "Logs that are known.")),
      logs_read(registry.AddGauge(Named("logs_read"), "Logs that are being read just now.")),
      silent_logs(registry.AddGauge(
          Named("silent_logs"), "Logs without a line of the authorizer for kafka-silence-notice.")),
      largest_lag(registry.AddGauge(Named("largest_lag"),
                                    "How far the reading of a log is behind its end: seconds for "
                                    "k8s-logs, bytes for file-logs.")),
      reported_topics(
          registry.AddCounter("kafka_reported_topics", "Accesses to topics that were reported.")),
      saves(registry.AddCounter(Named("saves_total"), "Times the state was saved.")),
      failed_saves(
          registry.AddCounter(Named("failed_saves_total"), "Times the state could not be saved.")) {
  for (const LineRefusal refusal : kAllLineRefusals) {
    refused.at(static_cast<size_t>(refusal)) = &registry.AddCounter(
        Named("refused_lines_total"), "Lines of the authorizer that told of no access to report.",
        {{"reason", std::string(LineRefusalName(refusal))}});
  }
}

void LineTally::Add(const std::vector<LogState>& logs, WatcherMetrics& metrics) {
  std::map<std::string, LineCounts> seen;
  double largest_lag = 0;
  size_t being_read = 0;
  for (const LogState& log : logs) {
    const LineCounts& known = known_[log.name];
    const uint64_t lines = GrowthOf(known.lines, log.counts.lines);
    lines_read_ += lines;
    Count(metrics.lines, lines);
    Count(metrics.accesses, GrowthOf(known.accesses, log.counts.accesses));
    Count(metrics.overlong, GrowthOf(known.overlong, log.counts.overlong));
    Count(metrics.gaps, GrowthOf(known.gaps, log.counts.gaps));
    for (const LineRefusal refusal : kAllLineRefusals) {
      const auto at = static_cast<size_t>(refusal);
      const uint64_t grown = GrowthOf(known.refused.at(at), log.counts.refused.at(at));
      Count(*metrics.refused.at(at), grown);
      lines_refused_ += MayBeAnAccess(refusal) ? grown : 0;
    }
    largest_lag = std::max(largest_lag, log.lag);
    being_read += log.reading ? 1 : 0;
    seen[log.name] = log.counts;
  }
  known_ = std::move(seen);
  metrics.logs.Set(static_cast<double>(logs.size()));
  metrics.logs_read.Set(static_cast<double>(being_read));
  metrics.largest_lag.Set(largest_lag);
}

}  // namespace network_mapper::kafka
