// Which bytes are UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing beyond U+10FFFF. Used
// wherever text from outside meets a form that must be UTF-8 (JSON, Protobuf).
#pragma once

#include <cstddef>
#include <string_view>

namespace network_mapper {

// Bytes of the character at the front of `text`; 0 when there is none, or the bytes are no UTF-8.
size_t Utf8SequenceLength(std::string_view text);

bool IsUtf8(std::string_view text);

// Of Unicode's category Cc, U+0000 to U+001F and U+007F to U+009F: in a name or a path it would
// forge lines of what is printed, or speak to the terminal.
bool HasControlCharacter(std::string_view text);

}  // namespace network_mapper
