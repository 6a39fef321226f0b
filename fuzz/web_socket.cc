// What a hostile server sends where an API server would open a WebSocket; the first byte is the
// size of the chunks it comes in.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/http/response_head.h"
#include "common/kube/web_socket_frames.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) {
    return 0;
  }
  namespace kube = network_mapper::kube;
  constexpr size_t kLargest = 512;
  const size_t chunk = std::max<size_t>(data[0], 1);
  std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto head = network_mapper::ParseResponseHead(stream);
  if (head.ok() && head->has_value()) {
    if ((*head)->size > stream.size()) {
      __builtin_trap();
    }
    stream.remove_prefix((*head)->size);
  }
  kube::MessageReader reader(kLargest);
  while (!stream.empty()) {
    reader.Push(stream.substr(0, chunk));
    stream.remove_prefix(std::min(chunk, stream.size()));
    while (true) {
      const auto message = reader.Next();
      if (!message.ok()) {
        return 0;
      }
      if (!message->has_value()) {
        break;
      }
      if ((*message)->payload.size() > kLargest) {
        __builtin_trap();
      }
    }
  }
  return 0;
}
