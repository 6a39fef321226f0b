// What the fuzz targets of the readers of proxies' statistics check: no crash, the same series
// however the body is cut, and each keeps the promises of Series.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "common/text/utf8.h"
#include "istio-watcher/metrics/reader_options.h"
#include "istio-watcher/metrics/series.h"

namespace network_mapper::istio {

struct FoundSeries {
  std::vector<uint64_t> series;
  std::vector<uint64_t> refused;

  friend bool operator==(const FoundSeries&, const FoundSeries&) = default;
};

template <typename Reader>
FoundSeries ReadInChunks(std::string_view body, size_t chunk, const ReaderOptions& options) {
  FoundSeries found;
  Reader reader(options, [&](const Series& series) {
    if (series.value > kMostEvents || series.source.name.empty() ||
        series.destination.name_space.empty() || !IsUtf8(series.path) ||
        HasControlCharacter(series.path) || series.path.size() > 2 * options.max_path) {
      std::abort();
    }
    found.series.insert(found.series.end(), {series.identity, series.value});
  });
  for (size_t i = 0; i < body.size(); i += chunk) {
    if (!reader.Feed(body.substr(i, chunk)).ok()) {
      break;
    }
  }
  (void)reader.Finish();
  found.refused.assign(reader.Counts().refused.begin(), reader.Counts().refused.end());
  return found;
}

template <typename Reader>
void CheckReader(const uint8_t* data, size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  ReaderOptions options;
  options.max_line = 4096;
  options.fold_ids = size % 2 == 0;
  if (ReadInChunks<Reader>(body, size + 1, options) !=
      ReadInChunks<Reader>(body, 1 + size % 13, options)) {
    std::abort();
  }
}

}  // namespace network_mapper::istio
