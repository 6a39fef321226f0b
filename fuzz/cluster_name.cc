// Fuzzes the meaning of DNS names in the cluster: the input is a name, then "\n" and a domain, or a
// name alone.
#include "mapper/resolve/cluster_name.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using network_mapper::ClusterName;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t line_end = input.find('\n');
  const std::string_view name = input.substr(0, line_end);
  const std::string domain = network_mapper::NormalizeClusterDomain(
      line_end == std::string_view::npos ? "cluster.local" : input.substr(line_end + 1));
  const network_mapper::LoweredName lowered(name);
  const ClusterName parsed = network_mapper::ParseClusterName(lowered.View(), domain);
  if (parsed.kind == ClusterName::Kind::kService &&
      (parsed.service.empty() || parsed.name_space.empty())) {
    std::abort();
  }
  return 0;
}
