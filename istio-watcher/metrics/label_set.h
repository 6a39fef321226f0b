// The labels of one series on their way to a Series: what every form of a proxy's statistics has in
// common. Only for this folder. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "istio-watcher/metrics/reader_options.h"
#include "istio-watcher/metrics/series.h"

namespace network_mapper::istio {

class LabelSet {
 public:
  // `options` must outlive it.
  LabelSet(const ReaderOptions& options, SeriesSink sink);

  void Begin(Metric metric);
  // The views must stay valid until the series is finished.
  void Add(std::string_view name, std::string_view value);
  // Hands the series to the sink, or counts why not. Absent: the value is refused.
  void Finish(std::optional<uint64_t> value);

  void Refuse(SeriesRefusal refusal) { ++counts_.refused[static_cast<size_t>(refusal)]; }

  const ReaderCounts& Counts() const { return counts_; }

 private:
  // A label with aliases: the best that was met so far.
  struct Aliased {
    size_t rank = std::numeric_limits<size_t>::max();
    std::string_view value;
  };

  void AddAliased(const std::vector<std::string>& names, std::string_view name,
                  std::string_view value, Aliased& best, bool& has_label);
  std::optional<SeriesRefusal> Check() const;
  void ReadResource();

  const ReaderOptions& options_;
  SeriesSink sink_;
  ReaderCounts counts_;
  Series series_;
  std::string_view reporter_;
  Aliased method_;
  Aliased path_;
  uint32_t seen_ = 0;
  bool has_duplicate_ = false;
  // The path after folding.
  std::string folded_;
};

// A counter's value: an integer, or a float (RFC 8259, Go, C) that is one, at most kMostEvents.
std::optional<uint64_t> ParseCounter(std::string_view text);

}  // namespace network_mapper::istio
