// What a request's head says of the body that follows, before cpp-httplib parses the whole. Used by
// RequestStream only.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace network_mapper {

// The length of the body; absent when only reading can tell (chunked, a length that is no plain
// number) or when the client waits for a 100 (Continue) before it sends. `head` ends with the empty
// line.
std::optional<uint64_t> AnnouncedBodyBytes(std::string_view head);

}  // namespace network_mapper
