// What a hostile server answers to a client that reads the answer by itself; the first byte is the
// size of the chunks it comes in.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "common/http/response_body.h"
#include "common/http/response_head.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) {
    return 0;
  }
  const size_t chunk = std::max<size_t>(data[0], 1);
  std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto head = network_mapper::ParseResponseHead(stream);
  if (!head.ok() || !head->has_value()) {
    return 0;
  }
  stream.remove_prefix((*head)->size);
  auto body = network_mapper::ResponseBody::After(**head);
  if (!body.ok()) {
    return 0;
  }
  size_t left = stream.size();
  while (!stream.empty()) {
    const network_mapper::Status status =
        body->Feed(stream.substr(0, chunk), [&left](std::string_view part) {
          // The body is a part of what came.
          if (part.size() > left) {
            __builtin_trap();
          }
          left -= part.size();
          return network_mapper::OkStatus();
        });
    if (!status.ok()) {
      return 0;
    }
    stream.remove_prefix(std::min(chunk, stream.size()));
  }
  if (body->EndOfConnection().ok() != body->IsOver()) {
    __builtin_trap();
  }
  return 0;
}
