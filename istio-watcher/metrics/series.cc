#include "istio-watcher/metrics/series.h"

#include <cstddef>

namespace network_mapper::istio {

std::string_view SeriesRefusalName(SeriesRefusal refusal) {
  constexpr std::array<std::string_view, kAllSeriesRefusals.size()> kNames = {
      "malformed",       "too_long",  "no_reporter",    "unknown_reporter",
      "duplicate_label", "bad_value", "unknown_client", "unknown_server",
      "outside_mesh",    "bad_name",  "foreign"};
  return kNames[static_cast<size_t>(refusal)];
}

std::string_view ResourceRefusalName(ResourceRefusal refusal) {
  constexpr std::array<std::string_view, kAllResourceRefusals.size()> kNames = {
      "unknown_method", "path_too_long", "path_not_utf8", "control_character"};
  return kNames[static_cast<size_t>(refusal)];
}

ReaderCounts& ReaderCounts::operator+=(const ReaderCounts& other) {
  series += other.series;
  for (size_t i = 0; i < refused.size(); ++i) {
    refused[i] += other.refused[i];
  }
  for (size_t i = 0; i < without_resource.size(); ++i) {
    without_resource[i] += other.without_resource[i];
  }
  without_path_label += other.without_path_label;
  return *this;
}

}  // namespace network_mapper::istio
