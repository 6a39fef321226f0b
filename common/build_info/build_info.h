// Version of this build, for --version, logs and the build_info metric.
#pragma once

#include <string_view>

namespace network_mapper {

// Semantic version, e.g. "0.1.0". Valid for the life of the process.
std::string_view Version();

}  // namespace network_mapper
