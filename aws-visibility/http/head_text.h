// The head of a request or an answer: its text, and where in it the parts are, so that it can be
// moved without its parts losing their place. What may stand in a field (RFC 9110 5.1, 5.5).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "aws-visibility/iam/exchange.h"

namespace network_mapper::aws {

// More than S3, which takes 8 KiB of metadata, lets a client send; servers take 100 or so.
inline constexpr size_t kMostFields = 512;

constexpr bool IsTokenCharacter(char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         kMarks.find(c) != std::string_view::npos;
}

inline bool IsToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsTokenCharacter);
}

inline bool IsFieldValue(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return c == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

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

  // Bytes that its text and its fields take.
  size_t Size() const { return text.capacity() + fields.capacity() * sizeof(Field); }

  // To be kept: without room for more.
  void Shrink() {
    text.shrink_to_fit();
    fields.shrink_to_fit();
  }

  // Views into the text.
  std::vector<Header> Headers() const {
    std::vector<Header> headers;
    headers.reserve(fields.size());
    for (const Field& field : fields) {
      headers.push_back({.name = field.name.In(text), .value = field.value.In(text)});
    }
    return headers;
  }
};

}  // namespace network_mapper::aws
