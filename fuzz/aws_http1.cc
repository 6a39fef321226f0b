// Both directions of an HTTP/1.1 connection as the AWS proxy reads them.
#include <cstddef>
#include <cstdint>

#include "fuzz/aws_http_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  network_mapper::aws::CheckConnection({}, data, size);
  return 0;
}
