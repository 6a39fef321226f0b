#include "common/program/descriptor_limit.h"

#include <sys/resource.h>

namespace network_mapper {

void RaiseDescriptorLimit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace network_mapper
