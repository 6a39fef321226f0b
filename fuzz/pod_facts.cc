// Fuzzes what the watcher reads out of a pod's JSON: what is accepted names a log.
#include "kafka-watcher/log/pod_facts.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto facts = network_mapper::kafka::ParsePodFacts(
      std::string_view(reinterpret_cast<const char*>(data), size));
  if (facts.ok() && (facts->name_space.empty() || facts->name.empty() || facts->uid.empty() ||
                     facts->container.empty())) {
    std::abort();
  }
  return 0;
}
