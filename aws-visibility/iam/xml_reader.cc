#include <algorithm>
#include <array>
#include <charconv>
#include <utility>
#include <vector>

#include "aws-visibility/iam/body_readers.h"
#include "aws-visibility/iam/unicode.h"

namespace network_mapper::aws {
namespace {

constexpr size_t kMostXmlText = 8192;
constexpr size_t kMostXmlDepth = 32;

bool IsXmlBlank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// False when there is no such character.
bool AppendXmlEntity(std::string& out, std::string_view entity) {
  struct Entity {
    std::string_view name;
    char character;
  };

  static constexpr std::array<Entity, 5> kEntities = {
      {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}}};
  for (const Entity& known : kEntities) {
    if (known.name == entity) {
      out += known.character;
      return true;
    }
  }
  if (!entity.starts_with('#')) {
    return false;
  }
  entity.remove_prefix(1);
  const bool hexadecimal = entity.starts_with('x');
  entity.remove_prefix(hexadecimal ? 1 : 0);
  uint32_t c = 0;
  const char* const end = entity.data() + entity.size();
  const auto read = std::from_chars(entity.data(), end, c, hexadecimal ? 16 : 10);
  if (read.ec != std::errc() || read.ptr != end || c == 0 || c > 0x10FFFF ||
      (c >= 0xD800 && c < 0xE000)) {
    return false;
  }
  AppendUtf8(out, c);
  return true;
}

// Tags and texts one by one. No more XML than S3 and its clients write: a document type, which
// could give texts another meaning, ends it.
class XmlWalk {
 public:
  enum class Token : uint8_t { kOpen, kClose, kText, kEnd, kBad };

  XmlWalk(std::string_view text, size_t at) : text_(text), at_(at) {
    if (at_ == 0 && text_.starts_with("\xEF\xBB\xBF")) {
      at_ = 3;
    }
  }

  // Comments and instructions are skipped.
  Token Next() {
    if (closes_) {
      closes_ = false;
      return Token::kClose;
    }
    for (;;) {
      start_ = at_;
      if (at_ == text_.size()) {
        return Token::kEnd;
      }
      if (text_[at_] != '<') {
        return Text();
      }
      const std::string_view rest = text_.substr(at_);
      if (rest.starts_with("<![CDATA[")) {
        const std::string_view inside = To("]]>", 9);
        value_.assign(inside);
        return at_ == std::string_view::npos ? Bad() : Token::kText;
      }
      if (rest.starts_with("<!--")) {
        To("-->", 4);
      } else if (rest.starts_with("<?")) {
        if (!IsUtf8Instruction(To("?>", 2))) {
          return Bad();
        }
      } else if (rest.starts_with("<!")) {
        return Bad();
      } else {
        return Tag();
      }
      if (at_ == std::string_view::npos) {
        return Bad();
      }
    }
  }

  // Of a tag, without a namespace's prefix.
  std::string_view Name() const { return name_; }

  // Decoded.
  const std::string& Value() const { return value_; }

  // Where the last token begins, and what is behind it.
  size_t Start() const { return start_; }

  size_t At() const { return at_; }

 private:
  Token Bad() {
    at_ = text_.size();
    closes_ = false;
    return Token::kBad;
  }

  // What is before `end`; at_ is behind it, or npos.
  std::string_view To(std::string_view end, size_t skipped) {
    const size_t from = at_ + skipped;
    const size_t found = text_.find(end, from);
    at_ = found == std::string_view::npos ? found : found + end.size();
    return found == std::string_view::npos ? std::string_view() : text_.substr(from, found - from);
  }

  // In other encodings the same bytes are other names.
  static bool IsUtf8Instruction(std::string_view text) {
    const size_t at = text.starts_with("xml") ? text.find("encoding") : std::string_view::npos;
    if (at == std::string_view::npos) {
      return true;
    }
    const size_t quote = text.find_first_of("'\"", at);
    std::string name(quote == std::string_view::npos ? std::string_view() : text.substr(quote + 1));
    for (char& c : name) {
      c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    return name.starts_with("UTF-8\"") || name.starts_with("UTF-8'");
  }

  Token Tag() {
    const bool closing = text_.substr(at_ + 1).starts_with('/');
    std::string_view tag = To(">", closing ? 2 : 1);
    if (at_ == std::string_view::npos || tag.find('<') != std::string_view::npos) {
      return Bad();
    }
    closes_ = !closing && tag.ends_with('/');
    tag.remove_suffix(closes_ ? 1 : 0);
    size_t end = 0;
    while (end < tag.size() && !IsXmlBlank(tag[end])) {
      ++end;
    }
    name_ = tag.substr(0, end);
    name_.remove_prefix(name_.find(':') + 1);
    if (name_.empty() || name_.find('\0') != std::string_view::npos) {
      return Bad();
    }
    return closing ? Token::kClose : Token::kOpen;
  }

  Token Text() {
    const std::string_view raw = text_.substr(at_, text_.find('<', at_) - at_);
    at_ += raw.size();
    value_.clear();
    for (size_t i = 0; i < raw.size(); ++i) {
      if (raw[i] == '\r') {
        // An end of line is one character, however it was written.
        value_ += '\n';
        i += raw.substr(i + 1).starts_with('\n') ? size_t{1} : 0;
      } else if (raw[i] != '&') {
        value_ += raw[i];
      } else {
        const size_t end = raw.substr(0, i + 16).find(';', i);
        if (end == std::string_view::npos ||
            !AppendXmlEntity(value_, raw.substr(i + 1, end - i - 1))) {
          return Bad();
        }
        i = end;
      }
    }
    return Token::kText;
  }

  std::string_view text_;
  size_t at_;
  size_t start_ = 0;
  std::string_view name_;
  std::string value_;
  // The last tag was <a/>.
  bool closes_ = false;
};

// Whether all of a document was walked: calls `open(depth, name, start)` and `close(depth, name,
// text, end)` for each element, depth 1 being the root; `text` is what the element itself has.
template <typename Open, typename Close>
bool WalkXml(std::string_view body, Open&& open, Close&& close) {
  XmlWalk walk(body, 0);
  std::vector<std::string_view> names;
  std::string text;
  for (;;) {
    switch (walk.Next()) {
      case XmlWalk::Token::kOpen:
        if (names.size() == kMostXmlDepth) {
          return false;
        }
        names.push_back(walk.Name());
        text.clear();
        open(names.size(), walk.Name(), walk.Start());
        break;
      case XmlWalk::Token::kText:
        if (text.size() + walk.Value().size() > kMostXmlText) {
          return false;
        }
        text += walk.Value();
        break;
      case XmlWalk::Token::kClose:
        if (names.empty() || names.back() != walk.Name()) {
          return false;
        }
        close(names.size(), walk.Name(), text, walk.At());
        names.pop_back();
        text.clear();
        if (names.empty()) {
          return true;
        }
        break;
      case XmlWalk::Token::kEnd:
      case XmlWalk::Token::kBad:
        return false;
    }
  }
}

}  // namespace

bool ReadXml(std::string_view body, WantedFields& wanted) {
  // By depth: the fields whose steps led there. The root's name is no step.
  std::array<WantedFields::Mask, kMostXmlDepth + 1> masks{};
  return WalkXml(
      body,
      [&](size_t depth, std::string_view name, size_t) {
        masks[depth] =
            depth == 1 ? wanted.All() : wanted.Members(masks[depth - 1], depth - 2, name);
      },
      [&](size_t depth, std::string_view, const std::string& text, size_t) {
        wanted.Found(wanted.Ending(masks[depth], depth - 1), text);
      });
}

std::optional<std::string> ReadXmlText(std::string_view body, std::string_view tag, size_t& from) {
  XmlWalk walk(body, from);
  XmlWalk::Token token = walk.Next();
  while (token != XmlWalk::Token::kOpen || walk.Name() != tag) {
    if (token == XmlWalk::Token::kEnd || token == XmlWalk::Token::kBad) {
      return std::nullopt;
    }
    token = walk.Next();
  }
  std::string text;
  while ((token = walk.Next()) == XmlWalk::Token::kText) {
    text += walk.Value();
  }
  if (token == XmlWalk::Token::kEnd || token == XmlWalk::Token::kBad) {
    return std::nullopt;
  }
  from = token == XmlWalk::Token::kClose ? walk.At() : walk.Start();
  text.resize(std::min(text.size(), kMostXmlText));
  return text;
}

bool ReadS3Objects(std::string_view body, std::string_view root,
                   const std::function<void(const S3ObjectPart&)>& visit) {
  bool is_root = false;
  S3ObjectPart part;
  size_t start = 0;
  size_t keys = 0;
  const bool whole = WalkXml(
      body,
      [&](size_t depth, std::string_view name, size_t at) {
        is_root = depth == 1 ? name == root : is_root;
        if (depth == 2) {
          part = {};
          keys = 0;
          start = at;
        }
      },
      [&](size_t depth, std::string_view name, const std::string& text, size_t end) {
        if (depth == 3 && name == "Key") {
          // Of two it is not known which one counts.
          part.key = ++keys == 1 ? text : std::string();
        } else if (depth == 3 && name == "VersionId") {
          part.has_version = part.has_version || !text.empty();
        } else if (depth == 3 && name == "Code") {
          part.code = text;
        } else if (depth == 2 && is_root) {
          part.element = name;
          part.raw = body.substr(start, end - start);
          visit(part);
        }
      });
  return whole && is_root;
}

}  // namespace network_mapper::aws
