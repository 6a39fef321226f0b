#include "common/text/json_string.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/text/utf8.h"

namespace network_mapper {

namespace {

bool IsPlain(char c) {
  auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
}

// Moves one character that is not plain from `rest` to `out`.
void AppendSpecial(std::string& out, std::string_view& rest) {
  char c = rest.front();
  size_t length = Utf8SequenceLength(rest);
  if (length == 0) {
    out += "\xEF\xBF\xBD";
    length = 1;
  } else if (c == '"' || c == '\\') {
    out += '\\';
    out += c;
  } else if (c == '\n') {
    out += "\\n";
  } else if (c == '\t') {
    out += "\\t";
  } else if (c == '\r') {
    out += "\\r";
  } else if (static_cast<unsigned char>(c) < 0x20) {
    out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
  } else {
    out += rest.substr(0, length);
  }
  rest.remove_prefix(length);
}

// Runs of plain characters, which is what nearly all text is made of, are copied at once.
void AppendEscaped(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const auto* special = std::find_if_not(text.begin(), text.end(), IsPlain);
    auto plain = static_cast<size_t>(special - text.begin());
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (!text.empty()) {
      AppendSpecial(out, text);
    }
  }
}

}  // namespace

void AppendJsonString(std::string& out, std::string_view text) {
  out += '"';
  AppendEscaped(out, text);
  out += '"';
}

std::string EscapeJson(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  AppendEscaped(escaped, text);
  return escaped;
}

}  // namespace network_mapper
