// How much memory a process has resident, in KiB: proc(5), status.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <fstream>
#include <string>
#include <string_view>

namespace network_mapper {

inline size_t StatusKib(pid_t process, std::string_view field) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  std::string word;
  size_t kib = 0;
  while (status >> word) {
    if (word == field) {
      status >> kib;
    }
  }
  return kib;
}

inline size_t ResidentKib(pid_t process) {
  return StatusKib(process, "VmRSS:");
}

// At most, so far.
inline size_t MostResidentKib(pid_t process) {
  return StatusKib(process, "VmHWM:");
}

}  // namespace network_mapper
