// Names of hosts as clients send them. Pure functions over bytes of strangers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace network_mapper::aws {

// The name in lower case, without the root's dot; absent when it is none (RFC 1035 2.3.4, and "_",
// which some have).
std::optional<std::string> ReadHostName(std::string_view text);

// Whether a certificate may be for such a name (RFC 5280 4.2.1.6, RFC 1034 3.5), which is in lower
// case.
bool MayBeCertified(std::string_view name);

struct HostField {
  // In lower case, without the root's dot.
  std::string name;
  // 0: none was said, which means the scheme's.
  uint16_t port = 0;
};

// A Host field, or HTTP/2's :authority (RFC 9110 7.2); absent when it names no host. An address in
// brackets is none here.
std::optional<HostField> ReadHostField(std::string_view text);

}  // namespace network_mapper::aws
