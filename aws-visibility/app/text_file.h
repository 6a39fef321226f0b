// A file that is either what it was before or what it is to be, and never half of it.
#pragma once

#include <string>

#include "common/status/status.h"

namespace network_mapper::aws {

// Writes only when the file has another text. The folder must exist. Readable by all: for public
// text.
Status WriteTextFile(const std::string& path, const std::string& text);

}  // namespace network_mapper::aws
