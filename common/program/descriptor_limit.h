// For programs with thousands of connections.
#pragma once

#include <cstddef>

namespace network_mapper {

// Raises the soft limit of open files to the hard one. The usual soft limit is there for programs
// that use select. Returns what it is then.
size_t RaiseDescriptorLimit();

}  // namespace network_mapper
