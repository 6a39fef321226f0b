// The files of a process: a container chooses its command's name and the cgroups below its own.
// First byte: which parser.
#include "sniffer/procfs/proc_process.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using network_mapper::PodUid;
  if (size == 0) {
    return 0;
  }
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case '0': {
      std::optional<PodUid> uid = network_mapper::sniffer::PodUidFromCgroup(text);
      if (uid && PodUid::Parse(uid->ToString()) != uid) {
        std::abort();
      }
      // What a container adds below its own cgroup does not make it another pod's.
      if (uid && text.find('\n') == std::string_view::npos) {
        std::string below =
            std::string(text) + "/kubepods/pod00000000-0000-0000-0000-000000000000/x";
        if (network_mapper::sniffer::PodUidFromCgroup(below) != uid) {
          std::abort();
        }
      }
      break;
    }
    case '1':
      (void)network_mapper::sniffer::StartTicksFromStat(text);
      break;
    case '2':
      (void)network_mapper::sniffer::InodeFromLinkTarget(text, "socket");
      break;
    case '3':
      (void)network_mapper::sniffer::OpenFileFromFdinfo(text);
      break;
    default:
      break;
  }
  return 0;
}
