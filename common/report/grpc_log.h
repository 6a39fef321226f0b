// gRPC prints its own messages to stderr, one at every failed attempt. Here they become lines of
// the program's log, each cause at most once a minute, and failed TLS handshakes are counted: gRPC
// tells of them in no other way. For the whole process, since gRPC's log is.
#pragma once

#include <cstdint>

namespace network_mapper {

// Calling it again does nothing.
void RouteGrpcLog();

// Since the start of the process, of servers and clients.
uint64_t FailedTlsHandshakes();

}  // namespace network_mapper
