// Gives up what the sniffer does not need, for as long as the process lives and whatever its
// container allows: a fault in what parses packets then has little to build on. main calls it;
// nothing else, since it holds for the whole process.
#pragma once

#include "common/status/status.h"

namespace network_mapper::sniffer {

// Keeps NET_RAW (an interface that is back is opened again) and SYS_PTRACE (every scan of /proc),
// as far as they are there, and rules out new privileges. Of the calling thread and those it makes:
// call it before there is a second one.
Status KeepNeededCapabilities();

// System calls that the sniffer never makes answer EPERM from here on, in all threads: those that
// start programs, look into or join other processes and namespaces, mount, change users, or reach
// rarely used parts of the kernel.
Status RefuseUnneededSystemCalls();

}  // namespace network_mapper::sniffer
