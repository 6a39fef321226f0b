// Bodies of /stats/prometheus, by the checks of istio_reader.h; and what a line comes to does not
// depend on the lines before it.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "fuzz/istio_reader.h"
#include "istio-watcher/metrics/prometheus_reader.h"

namespace network_mapper::istio {
namespace {

FoundSeries ReadLineByLine(std::string_view body, const ReaderOptions& options) {
  FoundSeries sum;
  sum.refused.resize(kAllSeriesRefusals.size());
  while (!body.empty()) {
    const std::string_view line = body.substr(0, std::min(body.find('\n'), body.size() - 1) + 1);
    body.remove_prefix(line.size());
    const FoundSeries found = ReadInChunks<PrometheusReader>(line, line.size(), options);
    sum.series.insert(sum.series.end(), found.series.begin(), found.series.end());
    for (size_t i = 0; i < found.refused.size(); ++i) {
      sum.refused[i] += found.refused[i];
    }
  }
  return sum;
}

void CheckLines(std::string_view body) {
  ReaderOptions options;
  options.max_line = 4096;
  if (ReadInChunks<PrometheusReader>(body, body.size() + 1, options) !=
      ReadLineByLine(body, options)) {
    std::abort();
  }
}

}  // namespace
}  // namespace network_mapper::istio

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  network_mapper::istio::CheckReader<network_mapper::istio::PrometheusReader>(data, size);
  network_mapper::istio::CheckLines({reinterpret_cast<const char*>(data), size});
  return 0;
}
