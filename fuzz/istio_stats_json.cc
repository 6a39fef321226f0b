// Bodies of /stats?format=json: no crash, the same series however the body is cut, and each keeps
// the promises of Series.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "common/text/utf8.h"
#include "istio-watcher/metrics/stats_json_reader.h"

namespace {

using network_mapper::istio::ReaderOptions;
using network_mapper::istio::Series;
using network_mapper::istio::StatsJsonReader;

struct Found {
  std::vector<uint64_t> series;
  std::vector<uint64_t> refused;

  friend bool operator==(const Found&, const Found&) = default;
};

Found Read(std::string_view body, size_t chunk, const ReaderOptions& options) {
  Found found;
  StatsJsonReader reader(options, [&](const Series& series) {
    if (series.value > network_mapper::istio::kMostEvents || series.source.name.empty() ||
        series.destination.name_space.empty() || !network_mapper::IsUtf8(series.path) ||
        network_mapper::HasControlCharacter(series.path) ||
        series.path.size() > 2 * options.max_path) {
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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  ReaderOptions options;
  options.max_line = 4096;
  options.fold_ids = size % 2 == 0;
  if (Read(body, size + 1, options) != Read(body, 1 + size % 13, options)) {
    std::abort();
  }
  return 0;
}
