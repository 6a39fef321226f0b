// A body of /stats/prometheus, as it arrives -> series. Understands the Prometheus text format and
// OpenMetrics; label values may be escaped (Envoy today) or not (older Envoys) as far as that is
// unambiguous. Everything but the two metrics is passed over at the speed of memchr. Keeps at most
// one line, and short labels of the one before. Not thread-safe.
// Format: prometheus.io/docs/instrumenting/exposition_formats, Envoy's prometheus_stats.cc.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/status/status.h"
#include "istio-watcher/metrics/label_memory.h"
#include "istio-watcher/metrics/label_set.h"
#include "istio-watcher/metrics/reader_options.h"
#include "istio-watcher/metrics/series.h"

namespace network_mapper::istio {

class PrometheusReader {
 public:
  // `options` must outlive the reader. `own_namespace` is that of an Envoy's pod, which counts for
  // itself: what it says about calls between others is refused. Empty: it speaks for anybody, as a
  // ztunnel does.
  PrometheusReader(const ReaderOptions& options, SeriesSink sink, std::string own_namespace = {});

  // The next bytes of the body, cut anywhere. An error (the body is too long) is final.
  Status Feed(std::string_view chunk);
  // The body has ended where its sender said. An error when it ends within a line that may be one
  // of the two metrics: it was cut. Cuts between lines are for the transport to notice.
  Status Finish();

  const ReaderCounts& Counts() const { return labels_.Counts(); }

 private:
  bool MayBeOurs(std::string_view line) const;
  void TakePart(std::string_view part);
  void TakeLine(std::string_view line);
  void TakeSeries(Metric metric, std::string_view line, size_t name_length);

  const ReaderOptions& options_;
  LabelSet labels_;
  LabelMemory memory_;
  std::string requests_name_;
  std::string connections_name_;
  // The begin of a line whose end has not arrived, where it may be a line of the two metrics.
  std::string tail_;
  // Until the end of the line.
  bool skipping_ = false;
  // Unescaped values of one line.
  std::string scratch_;
  size_t body_ = 0;
};

}  // namespace network_mapper::istio
