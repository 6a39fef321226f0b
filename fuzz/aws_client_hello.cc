// What a stranger sends in place of a ClientHello: no crash, a name that is one, and the same
// verdict however the bytes come.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "aws-visibility/proxy/client_hello.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace aws = network_mapper::aws;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const aws::ClientHello hello = aws::ReadClientHello(bytes);
  if (hello.server_name.size() > 253 || hello.server_name.ends_with('.') ||
      hello.protocols.size() > 1024) {
    std::abort();
  }
  for (const char c : hello.server_name) {
    if (c <= ' ' || c > '~' || (c >= 'A' && c <= 'Z')) {
      std::abort();
    }
  }
  // What is complete, or refused, with a part stays so with the rest; what is complete with all is
  // not complete, and not refused, before.
  const aws::HelloState half = aws::ReadClientHello(bytes.substr(0, size / 2)).state;
  if (half != aws::HelloState::kNeedsMore && half != hello.state) {
    std::abort();
  }
  return 0;
}
