// Addresses in tests, from text that is one.
#pragma once

#include <string_view>

#include "common/net/ip_address.h"

namespace network_mapper {

inline IpAddress Ip(std::string_view text) {
  return IpAddress::Parse(text).value();
}

}  // namespace network_mapper
