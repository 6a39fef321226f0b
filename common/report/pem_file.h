// Reading of certificate and key files (PEM, RFC 7468) for both ends of the report stream, with
// errors that name the file.
#pragma once

#include <string>

#include "common/status/status.h"

namespace network_mapper {

// The text of the file; an error when it cannot be read or holds no PEM block.
StatusOr<std::string> ReadPem(const std::string& path);

}  // namespace network_mapper
