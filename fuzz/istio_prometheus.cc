// Bodies of /stats/prometheus, by the checks of istio_reader.h.
#include <cstddef>
#include <cstdint>

#include "fuzz/istio_reader.h"
#include "istio-watcher/metrics/prometheus_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  network_mapper::istio::CheckReader<network_mapper::istio::PrometheusReader>(data, size);
  return 0;
}
