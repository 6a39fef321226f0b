// How much of a daemon's machine code counts as its memory.
#pragma once

#include <stop_token>

namespace network_mapper {

// Takes the code and constants of the program and its libraries out of the resident set, soon after
// the start and then every minute, until stopped. Most of it ran once, for options, TLS and gRPC;
// the kernel brings back what still runs from its page cache. A node's worth of agents counts every
// mebibyte.
void ReleaseResidentCode(const std::stop_token& stop);

}  // namespace network_mapper
