#include "cli/screen_text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include <fmt/format.h>

#include "common/text/utf8.h"

namespace network_mapper::cli {

namespace {

struct CodePoints {
  uint32_t first;
  uint32_t last;
};

// Unicode's categories Cc, Zl and Zp, its marks of direction (UAX 9), and the byte order mark.
constexpr std::array<CodePoints, 7> kUnprintable = {{{0x00, 0x1f},
                                                     {0x7f, 0x9f},
                                                     {0x061c, 0x061c},
                                                     {0x200e, 0x200f},
                                                     {0x2028, 0x202e},
                                                     {0x2066, 0x2069},
                                                     {0xfeff, 0xfeff}}};

// Of one whole UTF-8 sequence of at most three bytes; longer ones are all printable.
uint32_t CodePointOf(std::string_view sequence) {
  const auto byte = [sequence](size_t i) { return static_cast<unsigned char>(sequence[i]); };
  switch (sequence.size()) {
    case 1:
      return byte(0);
    case 2:
      return (byte(0) & 0x1fU) << 6U | (byte(1) & 0x3fU);
    default:
      return (byte(0) & 0x0fU) << 12U | (byte(1) & 0x3fU) << 6U | (byte(2) & 0x3fU);
  }
}

bool IsPrintable(std::string_view sequence) {
  if (sequence.size() > 3) {
    return true;
  }
  const uint32_t code = CodePointOf(sequence);
  for (const CodePoints& range : kUnprintable) {
    if (code >= range.first && code <= range.last) {
      return false;
    }
  }
  return true;
}

std::string Shown(std::string_view text, std::string_view kept) {
  std::string shown;
  shown.reserve(text.size());
  while (!text.empty()) {
    const size_t length = Utf8SequenceLength(text);
    const std::string_view sequence = text.substr(0, std::max<size_t>(length, 1));
    if (length == 0) {
      shown += fmt::format("\\x{:02x}", static_cast<unsigned char>(text.front()));
    } else if (kept.find(text.front()) != std::string_view::npos || IsPrintable(sequence)) {
      shown += sequence;
    } else {
      shown += fmt::format("\\u{:04x}", CodePointOf(sequence));
    }
    text.remove_prefix(sequence.size());
  }
  return shown;
}

}  // namespace

std::string OnScreen(std::string_view text) {
  return Shown(text, "");
}

std::string LinesOnScreen(std::string_view text) {
  return Shown(text, "\n\t");
}

Json TextsOnScreen(Json json) {
  if (json.is_string()) {
    return OnScreen(json.get_ref<const std::string&>());
  }
  // Members and elements; of anything else there is none.
  for (Json& part : json) {
    if (part.is_structured() || part.is_string()) {
      part = TextsOnScreen(std::move(part));
    }
  }
  return json;
}

}  // namespace network_mapper::cli
