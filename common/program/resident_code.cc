#include "common/program/resident_code.h"

#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "common/concurrency/stop_wait.h"

namespace network_mapper {

namespace {

constexpr std::chrono::seconds kAfterStart{5};
constexpr std::chrono::minutes kInterval{1};

// For dl_iterate_phdr: one loaded object. Code and constants are never changed in memory, so that
// dropping their pages loses nothing; relocated data lies in a writable segment and is left alone.
int ReleaseObject(dl_phdr_info* object, size_t /*size*/, void* /*data*/) {
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  for (size_t i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) {
      continue;
    }
    uintptr_t begin = (object->dlpi_addr + segment.p_vaddr) & ~(page - 1);
    uintptr_t end = object->dlpi_addr + segment.p_vaddr + segment.p_memsz;
    // What the kernel refuses (the vDSO, locked memory) stays as it is.
    madvise(reinterpret_cast<void*>(begin), end - begin,  // NOLINT(performance-no-int-to-ptr)
            MADV_DONTNEED);
  }
  return 0;
}

}  // namespace

void ReleaseResidentCode(const std::stop_token& stop) {
  bool running = WaitUnlessStopped(stop, kAfterStart);
  while (running) {
    dl_iterate_phdr(ReleaseObject, nullptr);
    running = WaitUnlessStopped(stop, kInterval);
  }
}

}  // namespace network_mapper
