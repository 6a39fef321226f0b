// How much memory a process had resident at most.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <fstream>
#include <string>

namespace network_mapper::faults {

// proc(5): VmHWM of status.
inline size_t MostResidentMib(pid_t process) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  std::string word;
  size_t kib = 0;
  while (status >> word) {
    if (word == "VmHWM:") {
      status >> kib;
    }
  }
  return kib / 1024;
}

}  // namespace network_mapper::faults
