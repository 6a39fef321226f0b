#include "common/graphql/error.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

namespace network_mapper::graphql {

namespace {

// Length of the valid UTF-8 sequence (RFC 3629) at the front of `text`, or 0.
size_t SequenceLength(std::string_view text) {
  auto byte = [text](size_t i) { return static_cast<unsigned char>(text[i]); };
  auto continues = [&](size_t i) { return i < text.size() && (byte(i) & 0xC0U) == 0x80; };
  unsigned char lead = byte(0);
  if (lead < 0x80) {
    return 1;
  }
  if (lead >= 0xC2 && lead <= 0xDF) {
    return continues(1) ? 2 : 0;
  }
  if (lead >= 0xE0 && lead <= 0xEF) {
    bool overlong = lead == 0xE0 && text.size() > 1 && byte(1) < 0xA0;
    bool surrogate = lead == 0xED && text.size() > 1 && byte(1) > 0x9F;
    return continues(1) && continues(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    bool overlong = lead == 0xF0 && text.size() > 1 && byte(1) < 0x90;
    bool too_large = lead == 0xF4 && text.size() > 1 && byte(1) > 0x8F;
    return continues(1) && continues(2) && continues(3) && !overlong && !too_large ? 4 : 0;
  }
  return 0;
}

bool IsPlain(char c) {
  auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
}

void AppendSpecial(std::string& out, std::string_view& rest) {
  char c = rest.front();
  size_t length = SequenceLength(rest);
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

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) {
    row[j] = j;
  }
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

}  // namespace

void AppendJsonString(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const auto* special = std::find_if_not(text.begin(), text.end(), IsPlain);
    auto plain = static_cast<size_t>(special - text.begin());
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (!text.empty()) {
      AppendSpecial(out, text);
    }
  }
  out += '"';
}

std::string ErrorsJson(const std::vector<Error>& errors) {
  std::string out = "[";
  for (const Error& error : errors) {
    out += out.size() > 1 ? ",{\"message\":" : "{\"message\":";
    AppendJsonString(out, error.message);
    if (!error.path.empty()) {
      std::string path;
      for (const PathPart& part : error.path) {
        path += path.empty() ? "" : ",";
        if (const auto* index = std::get_if<size_t>(&part)) {
          path += std::to_string(*index);
        } else {
          AppendJsonString(path, std::get<std::string>(part));
        }
      }
      out += ",\"path\":[" + path + "]";
    }
    if (!error.locations.empty()) {
      std::string locations;
      for (const Location& location : error.locations) {
        locations += fmt::format("{}{{\"line\":{},\"column\":{}}}", locations.empty() ? "" : ",",
                                 location.line, location.column);
      }
      out += ",\"locations\":[" + locations + "]";
    }
    if (!error.code.empty()) {
      out += fmt::format(",\"extensions\":{{\"code\":\"{}\"}}", error.code);
    }
    out += '}';
  }
  return out + "]";
}

std::string DidYouMean(std::string_view name, const std::vector<std::string>& candidates) {
  constexpr size_t kMost = 5;
  constexpr size_t kLongest = 100;
  if (name.size() > kLongest) {
    return "";
  }
  std::vector<std::pair<size_t, std::string>> near;
  for (const std::string& candidate : candidates) {
    size_t distance = EditDistance(name, candidate);
    if (distance <= std::max<size_t>(1, std::max(name.size(), candidate.size()) * 2 / 5)) {
      near.emplace_back(distance, candidate);
    }
  }
  std::sort(near.begin(), near.end());
  if (near.empty()) {
    return "";
  }
  near.resize(std::min(near.size(), kMost));
  std::string text = " Did you mean ";
  for (size_t i = 0; i < near.size(); ++i) {
    text += i == 0 ? "" : i + 1 < near.size() ? ", " : near.size() > 2 ? ", or " : " or ";
    text += fmt::format("\"{}\"", near[i].second);
  }
  return text + "?";
}

}  // namespace network_mapper::graphql
