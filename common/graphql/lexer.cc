#include "common/graphql/lexer.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace network_mapper::graphql {

namespace {

bool IsNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

bool IsNameContinue(char c) {
  return IsNameStart(c) || IsDigit(c);
}

void AppendUtf8(std::string& out, uint32_t code_point) {
  auto put = [&out](uint32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0U | (code_point >> 6U));
    put(0x80U | (code_point & 0x3FU));
  } else if (code_point < 0x10000) {
    put(0xE0U | (code_point >> 12U));
    put(0x80U | ((code_point >> 6U) & 0x3FU));
    put(0x80U | (code_point & 0x3FU));
  } else {
    put(0xF0U | (code_point >> 18U));
    put(0x80U | ((code_point >> 12U) & 0x3FU));
    put(0x80U | ((code_point >> 6U) & 0x3FU));
    put(0x80U | (code_point & 0x3FU));
  }
}

std::optional<uint32_t> ParseHex4(std::string_view text) {
  uint32_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (text.size() != 4 || error != std::errc() || end != text.data() + 4) {
    return std::nullopt;
  }
  return value;
}

bool IsBlank(std::string_view line) {
  return line.find_first_not_of(" \t") == std::string_view::npos;
}

std::vector<std::string_view> SplitLines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (true) {
    size_t end = text.find_first_of("\r\n");
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) {
      return lines;
    }
    text.remove_prefix(end + (text.substr(end).starts_with("\r\n") ? 2 : 1));
  }
}

// BlockStringValue of the specification: common indentation and blank lines at both ends go.
std::string BlockStringValue(std::string_view raw) {
  std::vector<std::string_view> lines = SplitLines(raw);
  size_t indent = std::numeric_limits<size_t>::max();
  for (size_t i = 1; i < lines.size(); ++i) {
    if (!IsBlank(lines[i])) {
      indent = std::min(indent, lines[i].find_first_not_of(" \t"));
    }
  }
  for (size_t i = 1; i < lines.size(); ++i) {
    lines[i].remove_prefix(std::min(indent, lines[i].size()));
  }
  auto first = std::find_if_not(lines.begin(), lines.end(), IsBlank);
  auto last = std::find_if_not(lines.rbegin(), std::make_reverse_iterator(first), IsBlank).base();
  std::string value;
  for (auto line = first; line != last; ++line) {
    value += line == first ? "" : "\n";
    value += *line;
  }
  return value;
}

}  // namespace

void Lexer::Advance(size_t count) {
  for (size_t i = 0; i < count && position_ < text_.size(); ++i, ++position_) {
    bool line_end = text_[position_] == '\n' || (text_[position_] == '\r' && Peek(1) != '\n');
    location_ = line_end ? Location{.line = location_.line + 1, .column = 1}
                         : Location{.line = location_.line, .column = location_.column + 1};
  }
}

void Lexer::SkipIgnored() {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  while (position_ < text_.size()) {
    char c = Peek();
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',') {
      Advance(1);
    } else if (c == '#') {
      size_t end = text_.find_first_of("\r\n", position_);
      Advance((end == std::string_view::npos ? text_.size() : end) - position_);
    } else if (StartsWith(kByteOrderMark)) {
      Advance(kByteOrderMark.size());
    } else {
      return;
    }
  }
}

Token Lexer::Make(TokenKind kind, size_t length) {
  Token token{
      .kind = kind, .text = std::string(text_.substr(position_, length)), .location = location_};
  Advance(length);
  return token;
}

Token Lexer::Fail(std::string message) const {
  return {.kind = TokenKind::kInvalid, .text = std::move(message), .location = location_};
}

Token Lexer::ReadNumber() {
  size_t length = Peek() == '-' ? 1 : 0;
  auto take_digits = [&] {
    size_t before = length;
    while (IsDigit(Peek(length))) {
      ++length;
    }
    return length > before;
  };
  size_t first = length;
  TokenKind kind = TokenKind::kInt;
  if (!take_digits() || (Peek(first) == '0' && length > first + 1)) {
    return Fail("Invalid number");
  }
  if (Peek(length) == '.') {
    ++length;
    kind = TokenKind::kFloat;
    if (!take_digits()) {
      return Fail("Invalid number, expected digit after \".\"");
    }
  }
  if (Peek(length) == 'e' || Peek(length) == 'E') {
    ++length;
    kind = TokenKind::kFloat;
    if (Peek(length) == '+' || Peek(length) == '-') {
      ++length;
    }
    if (!take_digits()) {
      return Fail("Invalid number, expected digit in the exponent");
    }
  }
  if (IsNameStart(Peek(length)) || Peek(length) == '.') {
    return Fail("Invalid number");
  }
  return Make(kind, length);
}

bool Lexer::ReadEscape(std::string& value) {
  constexpr std::string_view kSimple = "\"\\/bfnrt";
  constexpr std::string_view kMeaning = "\"\\/\b\f\n\r\t";
  size_t simple = kSimple.find(Peek());
  if (Peek() != '\0' && simple != std::string_view::npos) {
    value += kMeaning[simple];
    Advance(1);
    return true;
  }
  std::optional<uint32_t> code =
      Peek() == 'u' ? ParseHex4(text_.substr(position_ + 1, 4)) : std::nullopt;
  if (!code) {
    return false;
  }
  Advance(5);
  bool high = *code >= 0xD800 && *code < 0xDC00;
  if (high && StartsWith("\\u")) {
    std::optional<uint32_t> low = ParseHex4(text_.substr(position_ + 2, 4));
    if (low && *low >= 0xDC00 && *low < 0xE000) {
      Advance(6);
      AppendUtf8(value, 0x10000 + ((*code - 0xD800) << 10U) + (*low - 0xDC00));
      return true;
    }
  }
  if (*code >= 0xD800 && *code < 0xE000) {
    return false;
  }
  AppendUtf8(value, *code);
  return true;
}

Token Lexer::ReadString() {
  Token token{.kind = TokenKind::kString, .text = "", .location = location_};
  Advance(1);
  while (position_ < text_.size()) {
    char c = Peek();
    if (c == '"') {
      Advance(1);
      return token;
    }
    if (c == '\n' || c == '\r') {
      break;
    }
    if (static_cast<unsigned char>(c) < 0x20 && c != '\t') {
      return Fail("Invalid character within String");
    }
    Advance(1);
    if (c != '\\') {
      token.text += c;
    } else if (!ReadEscape(token.text)) {
      return Fail("Invalid character escape sequence");
    }
  }
  return Fail("Unterminated string.");
}

Token Lexer::ReadBlockString() {
  Token token{.kind = TokenKind::kString, .text = "", .location = location_};
  Advance(3);
  std::string raw;
  while (position_ < text_.size()) {
    if (StartsWith("\"\"\"")) {
      Advance(3);
      token.text = BlockStringValue(raw);
      return token;
    }
    if (StartsWith("\\\"\"\"")) {
      raw += "\"\"\"";
      Advance(4);
      continue;
    }
    raw += Peek();
    Advance(1);
  }
  return Fail("Unterminated string.");
}

Token Lexer::Next() {
  SkipIgnored();
  if (position_ >= text_.size()) {
    return {.kind = TokenKind::kEnd, .text = "", .location = location_};
  }
  char c = Peek();
  if (IsNameStart(c)) {
    size_t length = 1;
    while (IsNameContinue(Peek(length))) {
      ++length;
    }
    return Make(TokenKind::kName, length);
  }
  if (IsDigit(c) || c == '-') {
    return ReadNumber();
  }
  if (StartsWith("\"\"\"")) {
    return ReadBlockString();
  }
  if (c == '"') {
    return ReadString();
  }
  if (StartsWith("...")) {
    return Make(TokenKind::kPunctuator, 3);
  }
  constexpr std::string_view kPunctuators = "!$&():=@[]{|}";
  if (c != '\0' && kPunctuators.find(c) != std::string_view::npos) {
    return Make(TokenKind::kPunctuator, 1);
  }
  auto byte = static_cast<unsigned char>(c);
  return Fail(byte >= 0x20 && byte < 0x7F
                  ? fmt::format("Cannot parse the unexpected character \"{}\".", c)
                  : fmt::format("Cannot parse the unexpected byte 0x{:02X}.", byte));
}

}  // namespace network_mapper::graphql
