// What a hostile node sends while a command runs: messages, each after its length.
#include "common/kube/pod_command.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace kube = network_mapper::kube;
  constexpr size_t kLongestError = 800;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  kube::CommandChannels channels;
  size_t sent = 0;
  size_t handed_on = 0;
  while (!rest.empty()) {
    const size_t length = std::min<size_t>(static_cast<uint8_t>(rest[0]), rest.size() - 1);
    const std::string_view message = rest.substr(1, length);
    rest.remove_prefix(1 + length);
    sent += length;
    const auto is_over = channels.Take(message, [&handed_on](std::string_view bytes) {
      handed_on += bytes.size();
      return network_mapper::OkStatus();
    });
    if (handed_on > sent || (!is_over.ok() && is_over.status().message().size() > kLongestError)) {
      __builtin_trap();
    }
    if (!is_over.ok() || *is_over) {
      return 0;
    }
  }
  return 0;
}
