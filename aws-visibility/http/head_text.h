// The head of a request or an answer: its text, and where in it the parts are, so that it can be
// moved without its parts losing their place.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "aws-visibility/iam/exchange.h"

namespace network_mapper::aws {

struct Slice {
  uint32_t begin = 0;
  uint32_t size = 0;

  std::string_view In(std::string_view text) const { return text.substr(begin, size); }
};

struct HeadText {
  struct Field {
    Slice name;
    Slice value;
  };

  std::string text;
  Slice method;
  Slice target;
  Slice host;
  // Of an answer.
  int status = 0;
  std::vector<Field> fields;

  // Views into `whole`, which is `text` or was moved out of it.
  std::vector<Header> Headers(std::string_view whole) const {
    std::vector<Header> headers;
    headers.reserve(fields.size());
    for (const Field& field : fields) {
      headers.push_back({.name = field.name.In(whole), .value = field.value.In(whole)});
    }
    return headers;
  }
};

}  // namespace network_mapper::aws
