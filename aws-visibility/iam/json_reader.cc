#include <array>
#include <bit>
#include <cstring>

#include "aws-visibility/iam/body_readers.h"
#include "aws-visibility/iam/unicode.h"

namespace network_mapper::aws {
namespace {

int JsonHexDigit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

class JsonWalk {
 public:
  JsonWalk(std::string_view text, WantedFields& wanted) : text_(text), wanted_(wanted) {}

  bool Value(WantedFields::Mask mask, size_t depth) {
    SkipBlanks();
    if (at_ == text_.size()) {
      return false;
    }
    const WantedFields::Mask ending = wanted_.Ending(mask, depth);
    const char c = text_[at_];
    if (c == '"') {
      std::string_view text;
      if (!String(text)) {
        return false;
      }
      wanted_.Found(ending, text);
      return true;
    }
    if (c == '{' || c == '[') {
      const size_t start = at_;
      if (ending == mask) {
        const bool whole = SkipContainer();
        // Not {} and [].
        if (at_ - start > 2) {
          wanted_.Present(ending);
        }
        return whole;
      }
      wanted_.Present(ending);
      return c == '{' ? Object(mask, depth) : Array(mask, depth);
    }
    const std::string_view token = Token();
    if (token.empty()) {
      return false;
    }
    if (token != "null") {
      wanted_.Found(ending, token);
    }
    return true;
  }

  bool Elements(std::string_view name, const std::function<void(std::string_view)>& visit) {
    size_t lists = 0;
    SkipBlanks();
    if (!Take('{')) {
      return false;
    }
    for (;;) {
      SkipBlanks();
      if (Take('}')) {
        return lists == 1;
      }
      std::string_view key;
      if (at_ == text_.size() || text_[at_] != '"' || !String(key)) {
        return false;
      }
      const bool is_list = key == name;
      SkipBlanks();
      if (!Take(':')) {
        return false;
      }
      if (is_list ? ++lists != 1 || !VisitElements(visit) : !Skip()) {
        return false;
      }
      SkipBlanks();
      if (!Take(',') && (at_ == text_.size() || text_[at_] != '}')) {
        return false;
      }
    }
  }

 private:
  bool VisitElements(const std::function<void(std::string_view)>& visit) {
    SkipBlanks();
    if (!Take('[')) {
      return false;
    }
    for (;;) {
      SkipBlanks();
      if (Take(']')) {
        return true;
      }
      const size_t start = at_;
      if (!Skip()) {
        return false;
      }
      visit(text_.substr(start, at_ - start));
      SkipBlanks();
      if (!Take(',') && (at_ == text_.size() || text_[at_] != ']')) {
        return false;
      }
    }
  }

  bool Object(WantedFields::Mask mask, size_t depth) {
    ++at_;
    for (;;) {
      SkipBlanks();
      if (Take('}')) {
        return true;
      }
      std::string_view key;
      if (at_ == text_.size() || text_[at_] != '"' || !String(key)) {
        return false;
      }
      // String's text is of one string at a time.
      WantedFields::Mask inner = wanted_.Members(mask, depth, key);
      const WantedFields::Mask keys = wanted_.Keys(mask, depth);
      wanted_.Found(wanted_.Ending(keys, depth + 1), key);
      inner |= keys & ~wanted_.Ending(keys, depth + 1);
      SkipBlanks();
      if (!Take(':') || !(inner == 0 ? Skip() : Value(inner, depth + 1))) {
        return false;
      }
      SkipBlanks();
      if (!Take(',') && (at_ == text_.size() || text_[at_] != '}')) {
        return false;
      }
    }
  }

  bool Array(WantedFields::Mask mask, size_t depth) {
    ++at_;
    const WantedFields::Mask elements = wanted_.Elements(mask, depth);
    for (;;) {
      SkipBlanks();
      if (Take(']')) {
        return true;
      }
      if (elements == 0) {
        if (!Skip()) {
          return false;
        }
      } else if (!Element(elements, depth + 1)) {
        return false;
      }
      SkipBlanks();
      if (!Take(',') && (at_ == text_.size() || text_[at_] != ']')) {
        return false;
      }
    }
  }

  bool Element(WantedFields::Mask mask, size_t depth) {
    std::array<size_t, WantedFields::kMostFields> before{};
    for (WantedFields::Mask rest = mask; rest != 0; rest &= rest - 1) {
      const auto i = static_cast<size_t>(std::countr_zero(rest));
      before[i] = wanted_.FoundCount(i);
    }
    if (!Value(mask, depth)) {
      return false;
    }
    for (WantedFields::Mask rest = mask; rest != 0; rest &= rest - 1) {
      const auto i = static_cast<size_t>(std::countr_zero(rest));
      if (wanted_.FoundCount(i) == before[i]) {
        wanted_.MissingInElement(i);
      }
    }
    return true;
  }

  void SkipBlanks() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r')) {
      ++at_;
    }
  }

  bool Take(char c) {
    if (at_ < text_.size() && text_[at_] == c) {
      ++at_;
      return true;
    }
    return false;
  }

  std::string_view Token() {
    const size_t start = at_;
    while (at_ < text_.size() && std::strchr(",]} \n\r\t:\"[{", text_[at_]) == nullptr) {
      ++at_;
    }
    // What ends with the text may go on.
    return at_ == text_.size() ? std::string_view() : text_.substr(start, at_ - start);
  }

  // To the end of the string that begins here.
  bool SkipString() {
    ++at_;
    for (;;) {
      const size_t quote = text_.find('"', at_);
      if (quote == std::string_view::npos) {
        at_ = text_.size();
        return false;
      }
      size_t backslashes = 0;
      while (quote - backslashes > at_ && text_[quote - backslashes - 1] == '\\') {
        ++backslashes;
      }
      at_ = quote + 1;
      if (backslashes % 2 == 0) {
        return true;
      }
    }
  }

  // Its text, as long as no other string is read.
  bool String(std::string_view& text) {
    const size_t start = at_ + 1;
    if (!SkipString()) {
      return false;
    }
    const std::string_view raw = text_.substr(start, at_ - 1 - start);
    if (raw.find('\\') == std::string_view::npos) {
      text = raw;
      return true;
    }
    return Unescape(raw.substr(0, 2 * WantedFields::kMostValueBytes)) && (text = decoded_, true);
  }

  bool Hex4(std::string_view raw, size_t at, uint32_t& value) {
    if (raw.size() < at + 4) {
      return false;
    }
    value = 0;
    for (size_t i = at; i < at + 4; ++i) {
      const int digit = JsonHexDigit(raw[i]);
      if (digit < 0) {
        return false;
      }
      value = value * 16 + static_cast<uint32_t>(digit);
    }
    return true;
  }

  bool Unescape(std::string_view raw) {
    decoded_.clear();
    for (size_t i = 0; i < raw.size(); ++i) {
      if (raw[i] != '\\') {
        decoded_ += raw[i];
        continue;
      }
      if (++i == raw.size()) {
        return true;
      }
      static constexpr std::string_view kEscapes = "bfnrt";
      static constexpr std::string_view kMeanings = "\b\f\n\r\t";
      const size_t escape = kEscapes.find(raw[i]);
      uint32_t c = 0;
      if (escape != std::string_view::npos) {
        decoded_ += kMeanings[escape];
      } else if (raw[i] != 'u') {
        decoded_ += raw[i];
      } else if (Hex4(raw, i + 1, c)) {
        i += 4;
        uint32_t low = 0;
        if (c >= 0xD800 && c < 0xDC00 && raw.substr(i + 1).starts_with("\\u") &&
            Hex4(raw, i + 3, low) && low >= 0xDC00 && low < 0xE000) {
          c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
          i += 6;
        }
        AppendUtf8(decoded_, c >= 0xD800 && c < 0xE000 ? 0xFFFD : c);
      } else {
        return false;
      }
    }
    return true;
  }

  bool SkipContainer() {
    size_t open = 0;
    while (at_ < text_.size()) {
      switch (text_[at_]) {
        case '"':
          if (!SkipString()) {
            return false;
          }
          continue;
        case '{':
        case '[':
          ++open;
          break;
        case '}':
        case ']':
          if (--open == 0) {
            ++at_;
            return true;
          }
          break;
        default:
          break;
      }
      ++at_;
    }
    return false;
  }

  bool Skip() {
    SkipBlanks();
    if (at_ == text_.size()) {
      return false;
    }
    if (text_[at_] == '"') {
      return SkipString();
    }
    if (text_[at_] == '{' || text_[at_] == '[') {
      return SkipContainer();
    }
    return !Token().empty();
  }

  std::string_view text_;
  WantedFields& wanted_;
  size_t at_ = 0;
  std::string decoded_;
};

}  // namespace

bool ReadJson(std::string_view body, WantedFields& wanted) {
  // What else begins a text is another encoding, or no message.
  const size_t start = body.find_first_not_of(" \n\t\r");
  return start != std::string_view::npos && body[start] == '{' &&
         JsonWalk(body, wanted).Value(wanted.All(), 0);
}

bool ReadJsonElements(std::string_view body, std::string_view name,
                      const std::function<void(std::string_view element)>& visit) {
  WantedFields nothing;
  return JsonWalk(body, nothing).Elements(name, visit);
}

}  // namespace network_mapper::aws
