// A listening TCP socket for servers that accept by themselves.
#pragma once

#include <cstdint>
#include <string>

#include "common/status/status.h"

namespace network_mapper {

// The caller closes `fd`, which does not block.
struct TcpListener {
  int fd = -1;
  uint16_t port = 0;
};

// Empty host: all addresses, of both families where the node has IPv6; port 0: any free one.
// Unavailable when the port is taken; which option chose it, the caller has to add.
StatusOr<TcpListener> ListenOnTcp(const std::string& host, uint16_t port);

}  // namespace network_mapper
