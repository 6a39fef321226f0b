// Both directions of an HTTP/2 connection as the AWS proxy reads them; the preface is not part of
// the input.
#include <cstddef>
#include <cstdint>

#include "aws-visibility/http/http2_connection.h"
#include "fuzz/aws_http_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  network_mapper::aws::CheckConnection(network_mapper::aws::kHttp2Preface, data, size);
  return 0;
}
