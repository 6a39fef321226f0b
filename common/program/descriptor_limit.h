// For programs with thousands of connections.
#pragma once

namespace network_mapper {

// Raises the soft limit of open files to the hard one. The usual soft limit is there for programs
// that use select.
void RaiseDescriptorLimit();

}  // namespace network_mapper
