#include "common/observation/pod_uid.h"

#include <algorithm>

namespace network_mapper {

namespace {

std::optional<uint8_t> HexDigit(char c) {
  if (c >= '0' && c <= '9') {
    return static_cast<uint8_t>(c - '0');
  }
  if (c >= 'a' && c <= 'f') {
    return static_cast<uint8_t>(c - 'a' + 10);
  }
  if (c >= 'A' && c <= 'F') {
    return static_cast<uint8_t>(c - 'A' + 10);
  }
  return std::nullopt;
}

}  // namespace

std::optional<PodUid> PodUid::Parse(std::string_view text) {
  bool separated = text.size() == 36;
  if (!separated && text.size() != 32) {
    return std::nullopt;
  }
  PodUid uid;
  size_t digits = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (separated && (i == 8 || i == 13 || i == 18 || i == 23)) {
      if (text[i] != '-' && text[i] != '_') {
        return std::nullopt;
      }
      continue;
    }
    std::optional<uint8_t> digit = HexDigit(text[i]);
    if (!digit) {
      return std::nullopt;
    }
    uint8_t& byte = uid.bytes[digits / 2];
    byte = static_cast<uint8_t>((byte << 4U) | *digit);
    ++digits;
  }
  return uid;
}

std::optional<PodUid> PodUid::FromBytes(std::string_view sixteen_bytes) {
  PodUid uid;
  if (sixteen_bytes.size() != uid.bytes.size()) {
    return std::nullopt;
  }
  std::transform(sixteen_bytes.begin(), sixteen_bytes.end(), uid.bytes.begin(),
                 [](char c) { return static_cast<uint8_t>(c); });
  return uid;
}

std::string PodUid::ToString() const {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  text.reserve(36);
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) {
      text += '-';
    }
    text += kHex[bytes[i] >> 4U];
    text += kHex[bytes[i] & 0x0FU];
  }
  return text;
}

}  // namespace network_mapper
