// Bytes from a store: no crash; what is taken for a snapshot is one, and goes on to work.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "istio-watcher/deltas/snapshot_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace istio = network_mapper::istio;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto snapshot = istio::DecodeSnapshot(bytes);
  if (!snapshot.ok()) {
    return 0;
  }
  if (istio::EncodeSnapshot(*snapshot) != bytes) {
    std::abort();
  }
  const istio::DeltaOptions options;
  istio::SeriesBudget budget(100);
  istio::ProxyCounters proxy(*snapshot, options, budget);
  istio::Series series;
  proxy.BeginScrape();
  for (const auto& counter : snapshot->counters) {
    series.identity = counter.identity;
    series.value = counter.value;
    proxy.Take(series);
  }
  if (!proxy.EndScrape(istio::ScrapeEnd::kComplete, snapshot->scraped_at).growth.empty() &&
      !snapshot->overflowed && proxy.SeriesCount() == snapshot->counters.size()) {
    std::abort();
  }
  return 0;
}
