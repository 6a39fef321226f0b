// The inside of a JSON string (RFC 8259, section 7). Pure.
#pragma once

#include <string>

namespace network_mapper::istio {

// Resolves the escapes of `text` in place. False: one is broken, or half of a surrogate pair.
bool DecodeJsonText(std::string& text);

}  // namespace network_mapper::istio
