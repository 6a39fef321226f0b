// Status line and header fields of an HTTP/1 answer (RFC 9112), where no HTTP library reads them.
// Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/status/status.h"

namespace network_mapper {

struct ResponseHead {
  int code = 0;
  // Names in lower case.
  std::vector<std::pair<std::string, std::string>> headers;
  // Bytes up to the body.
  size_t size = 0;

  // The first of this name (lower case); empty when there is none.
  std::string_view Header(std::string_view name) const;
  // Absent when there is no valid Content-Length.
  std::optional<size_t> ContentLength() const;
};

// Absent as long as the empty line has not come. An error for what is no head, or a longer one than
// 64 KiB.
StatusOr<std::optional<ResponseHead>> ParseResponseHead(std::string_view text);

}  // namespace network_mapper
