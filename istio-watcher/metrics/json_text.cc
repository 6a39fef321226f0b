#include "istio-watcher/metrics/json_text.h"

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace network_mapper::istio {

namespace {

// Four hexadecimal digits at the front of `text`.
std::optional<uint32_t> CodeUnit(std::string_view text) {
  constexpr size_t kDigits = 4;
  uint32_t unit = 0;
  const std::string_view digits = text.substr(0, kDigits);
  const char* end = digits.data() + digits.size();
  const auto result = std::from_chars(digits.data(), end, unit, 16);
  return digits.size() == kDigits && result.ec == std::errc() && result.ptr == end
             ? std::optional(unit)
             : std::nullopt;
}

bool IsHighSurrogate(uint32_t unit) {
  return unit >= 0xD800 && unit < 0xDC00;
}

bool IsLowSurrogate(uint32_t unit) {
  return unit >= 0xDC00 && unit < 0xE000;
}

// Never longer than its escape.
void AppendUtf8(std::string& text, uint32_t point) {
  const auto tail = [point](unsigned shift) {
    return static_cast<char>(0x80U | ((point >> shift) & 0x3FU));
  };
  if (point < 0x80) {
    text += static_cast<char>(point);
  } else if (point < 0x800) {
    text += {static_cast<char>(0xC0U | (point >> 6U)), tail(0)};
  } else if (point < 0x10000) {
    text += {static_cast<char>(0xE0U | (point >> 12U)), tail(6), tail(0)};
  } else {
    text += {static_cast<char>(0xF0U | (point >> 18U)), tail(12), tail(6), tail(0)};
  }
}

// The code point of a \u escape, and the rest after it.
std::optional<uint32_t> TakePoint(std::string_view& rest) {
  const std::optional<uint32_t> first = CodeUnit(rest);
  if (!first || IsLowSurrogate(*first)) {
    return std::nullopt;
  }
  rest.remove_prefix(4);
  if (!IsHighSurrogate(*first)) {
    return first;
  }
  if (rest.substr(0, 2) != "\\u") {
    return std::nullopt;
  }
  const std::optional<uint32_t> second = CodeUnit(rest.substr(2));
  if (!second || !IsLowSurrogate(*second)) {
    return std::nullopt;
  }
  rest.remove_prefix(6);
  return 0x10000U + ((*first - 0xD800U) << 10U) + (*second - 0xDC00U);
}

}  // namespace

bool DecodeJsonText(std::string& text) {
  constexpr std::string_view kEscapes = "\"\\/bfnrt";
  constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  std::string decoded;
  decoded.reserve(text.size());
  for (std::string_view rest = text; !rest.empty();) {
    const char c = rest.front();
    rest.remove_prefix(1);
    if (c != '\\') {
      decoded += c;
      continue;
    }
    if (rest.empty()) {
      return false;
    }
    const char escape = rest.front();
    rest.remove_prefix(1);
    if (escape == 'u') {
      const std::optional<uint32_t> point = TakePoint(rest);
      if (!point) {
        return false;
      }
      AppendUtf8(decoded, *point);
    } else if (const size_t found = kEscapes.find(escape); found != std::string_view::npos) {
      decoded += kMeanings[found];
    } else {
      return false;
    }
  }
  text.swap(decoded);
  return true;
}

}  // namespace network_mapper::istio
