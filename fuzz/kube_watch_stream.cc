// A WATCH stream from a hostile server; the first byte is the size of the chunks it comes in.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/kube/watch_stream.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) {
    return 0;
  }
  namespace kube = network_mapper::kube;
  const size_t chunk = std::max<size_t>(data[0], 1);
  std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  kube::LineSplitter splitter(4096);
  kube::WatchEventParser parser;
  while (!stream.empty()) {
    const auto status = splitter.Push(stream.substr(0, chunk), [&parser](std::string_view line) {
      const auto event = parser.Parse(line);
      if (event.ok() && event->object_json.size() > line.size()) {
        __builtin_trap();
      }
      return true;
    });
    if (!status.ok()) {
      break;
    }
    stream.remove_prefix(std::min(chunk, stream.size()));
  }
  return 0;
}
