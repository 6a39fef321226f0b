#include <array>
#include <charconv>

#include "aws-visibility/iam/body_readers.h"

namespace network_mapper::aws {
namespace {

constexpr size_t kMostXmlText = 8192;

// Where the text of <tag> begins, after its attributes; npos when there is none.
size_t FindXmlElement(std::string_view body, std::string_view tag, size_t from) {
  while ((from = body.find('<', from)) != std::string_view::npos) {
    const std::string_view rest = body.substr(from + 1);
    if (rest.starts_with(tag) && rest.size() > tag.size() &&
        (rest[tag.size()] == '>' || rest[tag.size()] == ' ' || rest[tag.size()] == '\n')) {
      const size_t end = body.find('>', from);
      return end == std::string_view::npos ? end : end + 1;
    }
    ++from;
  }
  return std::string_view::npos;
}

void AppendXmlEntity(std::string& out, std::string_view entity) {
  struct Entity {
    std::string_view name;
    char character;
  };

  static constexpr std::array<Entity, 5> kEntities = {
      {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}}};
  for (const Entity& known : kEntities) {
    if (known.name == entity) {
      out += known.character;
      return;
    }
  }
  if (!entity.starts_with('#')) {
    return;
  }
  entity.remove_prefix(1);
  const bool hexadecimal = entity.starts_with('x');
  entity.remove_prefix(hexadecimal ? 1 : 0);
  uint32_t c = 0;
  std::from_chars(entity.data(), entity.data() + entity.size(), c, hexadecimal ? 16 : 10);
  // Keys have their controls and blanks encoded so; what is beyond ASCII comes as UTF-8.
  if (c > 0 && c < 0x80) {
    out += static_cast<char>(c);
  }
}

std::string DecodeXml(std::string_view text) {
  std::string decoded;
  text = text.substr(0, kMostXmlText);
  for (size_t i = 0; i < text.size(); ++i) {
    const size_t end = text[i] == '&' ? text.find(';', i) : std::string_view::npos;
    if (end == std::string_view::npos) {
      decoded += text[i];
      continue;
    }
    AppendXmlEntity(decoded, text.substr(i + 1, end - i - 1));
    i = end;
  }
  return decoded;
}

}  // namespace

std::optional<std::string> ReadXmlText(std::string_view body, std::string_view tag, size_t& from) {
  const size_t start = FindXmlElement(body, tag, from);
  if (start == std::string_view::npos) {
    return std::nullopt;
  }
  const size_t end = body.find('<', start);
  if (end == std::string_view::npos) {
    return std::nullopt;
  }
  from = end;
  return DecodeXml(body.substr(start, end - start));
}

bool ReadDeletedObjects(std::string_view body,
                        const std::function<void(std::string key, bool has_version)>& visit) {
  size_t at = 0;
  for (;;) {
    const size_t start = FindXmlElement(body, "Object", at);
    if (start == std::string_view::npos) {
      return body.find("</Delete>", at) != std::string_view::npos;
    }
    const size_t end = body.find("</Object>", start);
    if (end == std::string_view::npos) {
      return false;
    }
    const std::string_view object = body.substr(start, end - start);
    size_t from = 0;
    if (std::optional<std::string> key = ReadXmlText(object, "Key", from)) {
      from = 0;
      const std::optional<std::string> version = ReadXmlText(object, "VersionId", from);
      visit(std::move(*key), version && !version->empty());
    }
    at = end;
  }
}

}  // namespace network_mapper::aws
