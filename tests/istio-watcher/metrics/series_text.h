// A series as a line of text, for comparison.
#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "istio-watcher/metrics/series.h"

namespace network_mapper::istio {

inline std::string SeriesText(const Series& series) {
  constexpr std::array<std::string_view, 3> kReporters = {"source", "destination", "waypoint"};
  const bool is_http = series.metric == Metric::kRequests;
  std::string text =
      fmt::format("{} {} {}/{} -> {}/{}", is_http ? "requests" : "connections",
                  kReporters.at(static_cast<size_t>(series.reporter)), series.source.name_space,
                  series.source.name, series.destination.name_space, series.destination.name);
  if (!series.destination_service_name.empty()) {
    text += fmt::format(" ({})", series.destination_service_name);
  }
  if (is_http) {
    text += fmt::format(" {} {}", series.method ? HttpMethodName(*series.method) : "-",
                        series.path.empty() ? "-" : series.path);
  } else if (series.method || !series.path.empty()) {
    text += " with method or path";
  }
  text += fmt::format(" {}", series.value);
  if (series.resource_refusal) {
    text += fmt::format(" without {}", ResourceRefusalName(*series.resource_refusal));
  }
  if (is_http && !(series.has_method_label && series.has_path_label)) {
    text += series.has_method_label ? " no path label"
            : series.has_path_label ? " no method label"
                                    : " no labels";
  }
  return text;
}

// "refused REASON" for each, in the order of SeriesRefusal.
inline std::string RefusalsText(const ReaderCounts& counts) {
  std::string text;
  for (const SeriesRefusal refusal : kAllSeriesRefusals) {
    for (uint64_t i = 0; i < counts.refused[static_cast<size_t>(refusal)]; ++i) {
      text += (text.empty() ? "refused " : ", ") + std::string(SeriesRefusalName(refusal));
    }
  }
  return text;
}

}  // namespace network_mapper::istio
