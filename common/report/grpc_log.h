// gRPC prints its own messages to stderr, one at every failed attempt. Here they become lines of
// the program's log, each cause or peer at most once a minute, and failed TLS handshakes are
// counted: gRPC tells of them in no other way. Protobuf's messages about what it cannot parse are
// dropped: who asked it to parse says so. For the whole process, since both logs are.
#pragma once

#include <cstdint>

namespace network_mapper {

// Calling it again does nothing.
void RouteGrpcLog();

// Since the start of the process, of servers and clients.
uint64_t FailedTlsHandshakes();

}  // namespace network_mapper
