// What a stranger sends as a Host field: no crash, and a name that is one.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "aws-visibility/proxy/host_name.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace aws = network_mapper::aws;
  const auto field = aws::ReadHostField({reinterpret_cast<const char*>(data), size});
  if (!field) {
    return 0;
  }
  // Neither crashes nor runs on.
  (void)aws::MayBeCertified(field->name);
  // A name is the same name once more.
  const auto again = aws::ReadHostField(field->name + ":80");
  if (field->name.empty() || field->name.size() > 253 || !again || again->name != field->name ||
      again->port != 80) {
    std::abort();
  }
  return 0;
}
