// Reading of the token that is shown to the mapper: a collector's is a file that the kubelet
// renews, in a projected volume (serviceAccountToken).
#pragma once

#include <string>
#include <string_view>

#include "common/status/status.h"

namespace network_mapper {

inline constexpr std::string_view kTokenFile = "token-file";

// The content without white space at its end. An error that names option and file when it cannot be
// read, is empty, or is nothing that a header can carry (RFC 6750 2.1).
StatusOr<std::string> ReadTokenFile(const std::string& path);

}  // namespace network_mapper
