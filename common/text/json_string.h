// Text as a JSON string (RFC 8259), for the places that write JSON by hand because it is hot or
// tiny.
#pragma once

#include <string>
#include <string_view>

namespace network_mapper {

// Appends `text` with quotes; bytes that are no UTF-8 become U+FFFD.
void AppendJsonString(std::string& out, std::string_view text);

// The inside of that string, without the quotes.
std::string EscapeJson(std::string_view text);

}  // namespace network_mapper
