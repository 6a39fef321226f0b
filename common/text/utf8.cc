#include "common/text/utf8.h"

#include <algorithm>

namespace network_mapper {

namespace {

size_t LengthByLead(unsigned char lead) {
  if (lead < 0x80) {
    return 1;
  }
  if (lead >= 0xC2 && lead <= 0xDF) {
    return 2;
  }
  if (lead >= 0xE0 && lead <= 0xEF) {
    return 3;
  }
  return lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
}

// Overlong forms, surrogates and code points over U+10FFFF show in the second byte.
bool SecondByteFits(unsigned char lead, unsigned char second) {
  switch (lead) {
    case 0xE0:
      return second >= 0xA0;
    case 0xED:
      return second <= 0x9F;
    case 0xF0:
      return second >= 0x90;
    case 0xF4:
      return second <= 0x8F;
    default:
      return true;
  }
}

}  // namespace

size_t Utf8SequenceLength(std::string_view text) {
  if (text.empty()) {
    return 0;
  }
  auto lead = static_cast<unsigned char>(text[0]);
  size_t length = LengthByLead(lead);
  if (length > text.size()) {
    return 0;
  }
  for (size_t i = 1; i < length; ++i) {
    auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xC0U) != 0x80U || (i == 1 && !SecondByteFits(lead, next))) {
      return 0;
    }
  }
  return length;
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    size_t length = Utf8SequenceLength(text);
    if (length == 0) {
      return false;
    }
    text.remove_prefix(length);
  }
  return true;
}

bool HasControlCharacter(std::string_view text) {
  unsigned char before = 0;
  return std::any_of(text.begin(), text.end(), [&before](char c) {
    const auto byte = static_cast<unsigned char>(c);
    // U+0080 to U+009F begin with C2, and nothing else does that is followed by 80 to 9F.
    const bool is_c1 = before == 0xc2 && byte >= 0x80 && byte <= 0x9f;
    before = byte;
    return byte < 0x20 || byte == 0x7f || is_c1;
  });
}

}  // namespace network_mapper
