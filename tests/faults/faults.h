// The faults, by what they strike.
#pragma once

#include <cstdint>
#include <vector>

#include "tests/faults/stage.h"

namespace network_mapper::faults {

struct Fault {
  const char* name;
  // What happens, in a few words.
  const char* what;
  StageOptions stage = {};
  void (*play)(Stage& stage) = nullptr;
};

std::vector<Fault> ProcessFaults();
std::vector<Fault> DiskFaults();
std::vector<Fault> ClockFaults();
std::vector<Fault> NetworkFaults();
std::vector<Fault> ApiServerFaults();
std::vector<Fault> HostileFaults();

}  // namespace network_mapper::faults
