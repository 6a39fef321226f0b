#include "aws-visibility/iam/request_text.h"

#include <algorithm>
#include <cstdint>

namespace network_mapper::aws {
namespace {

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  const char lower = Lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string_view WithoutBlanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
    text.remove_prefix(1);
  }
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
    text.remove_suffix(1);
  }
  return text;
}

}  // namespace

bool EqualIgnoringCase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) {
    return false;
  }
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i] && Lower(a[i]) != Lower(b[i])) {
      return false;
    }
  }
  return true;
}

std::optional<std::string_view> FindHeader(std::span<const Header> headers, std::string_view name) {
  const bool is_start = name.ends_with('*');
  if (is_start) {
    name.remove_suffix(1);
  }
  for (const Header& header : headers) {
    const std::string_view found = is_start ? header.name.substr(0, name.size()) : header.name;
    if (EqualIgnoringCase(found, name)) {
      return WithoutBlanks(header.value);
    }
  }
  return std::nullopt;
}

bool HasTwo(std::span<const Header> headers, std::string_view name) {
  return std::count_if(headers.begin(), headers.end(), [&](const Header& header) {
           return header.name.size() == name.size() && EqualIgnoringCase(header.name, name);
         }) > 1;
}

std::string PercentDecode(std::string_view text, bool plus_is_blank) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && text.size() - i > 2) {
      const int high = HexDigit(text[i + 1]);
      const int low = HexDigit(text[i + 2]);
      if (high >= 0 && low >= 0) {
        decoded += static_cast<char>(high * 16 + low);
        i += 2;
        continue;
      }
    }
    decoded += plus_is_blank && text[i] == '+' ? ' ' : text[i];
  }
  return decoded;
}

std::optional<std::string_view> FindInQuery(std::string_view query, std::string_view key) {
  std::optional<std::string_view> found;
  bool twice = false;
  ForEachPair(query, [&](std::string_view name, std::string_view value) {
    const bool encoded = name.find('%') != std::string_view::npos;
    if (encoded ? PercentDecode(name, true) == key : name == key) {
      twice = found && *found != value;
      found = value;
    }
    return !twice;
  });
  return twice ? std::nullopt : found;
}

bool IsAccount(std::string_view text) {
  return text.size() == 12 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool IsArn(std::string_view text) {
  return text.starts_with("arn:") && std::count(text.begin(), text.end(), ':') >= 5;
}

std::string_view ArnPart(std::string_view arn, int part) {
  if (!IsArn(arn)) {
    return {};
  }
  for (int i = 0; i < part; ++i) {
    arn.remove_prefix(arn.find(':') + 1);
  }
  return arn.substr(0, arn.find(':'));
}

}  // namespace network_mapper::aws
