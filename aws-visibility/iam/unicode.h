// Characters that JSON and XML write as numbers.
#pragma once

#include <cstdint>
#include <string>

namespace network_mapper::aws {

// Appends the character in UTF-8 (RFC 3629). `c`: up to U+10FFFF, no surrogate.
void AppendUtf8(std::string& out, uint32_t c);

}  // namespace network_mapper::aws
