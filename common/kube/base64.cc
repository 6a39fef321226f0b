#include "common/kube/base64.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace network_mapper::kube {

namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string EncodeBase64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t count = bytes.size() - i < 3 ? bytes.size() - i : 3;
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j) {
      const uint32_t byte = j < count ? static_cast<uint8_t>(bytes[i + j]) : 0;
      group = (group << 8U) | byte;
    }
    for (size_t j = 0; j < 4; ++j) {
      const size_t digit = (group >> (18U - 6U * j)) & 0x3FU;
      text.push_back(j <= count ? kAlphabet[digit] : '=');
    }
  }
  return text;
}

std::optional<std::string> DecodeBase64(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  uint32_t bits = 0;
  unsigned bit_count = 0;
  size_t digits = 0;
  size_t padding = 0;
  for (const char c : text) {
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      continue;
    }
    if (c == '=') {
      ++padding;
      continue;
    }
    const size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos || padding > 0) {
      return std::nullopt;
    }
    ++digits;
    bits = (bits << 6U) | static_cast<uint32_t>(value);
    bit_count += 6;
    if (bit_count >= 8) {
      bit_count -= 8;
      bytes.push_back(static_cast<char>((bits >> bit_count) & 0xFFU));
    }
  }
  if (padding > 2 || (digits + padding) % 4 != 0) {
    return std::nullopt;
  }
  return bytes;
}

}  // namespace network_mapper::kube
