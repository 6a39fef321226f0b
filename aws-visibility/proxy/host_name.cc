#include "aws-visibility/proxy/host_name.h"

#include <charconv>
#include <utility>

namespace network_mapper::aws {

namespace {

// RFC 1035 2.3.4, without the root's dot.
constexpr size_t kLongestHostName = 253;

}  // namespace

std::optional<std::string> ReadHostName(std::string_view text) {
  // The root's.
  if (text.ends_with('.')) {
    text.remove_suffix(1);
  }
  if (text.empty() || text.size() > kLongestHostName || text.ends_with('.')) {
    return std::nullopt;
  }
  std::string lower;
  lower.reserve(text.size());
  for (const char c : text) {
    if (c >= 'A' && c <= 'Z') {
      lower.push_back(static_cast<char>(c - 'A' + 'a'));
    } else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
               c == '_') {
      lower.push_back(c);
    } else {
      return std::nullopt;
    }
  }
  return lower;
}

bool MayBeCertified(std::string_view name) {
  constexpr size_t kLongestLabel = 63;
  while (true) {
    const size_t dot = name.find('.');
    const std::string_view label = name.substr(0, dot);
    if (label.empty() || label.size() > kLongestLabel || label.front() == '-' ||
        label.back() == '-' || label.find('_') != std::string_view::npos) {
      return false;
    }
    if (dot == std::string_view::npos) {
      return true;
    }
    name.remove_prefix(dot + 1);
  }
}

std::optional<HostField> ReadHostField(std::string_view text) {
  HostField field;
  const size_t colon = text.find(':');
  std::optional<std::string> lower = ReadHostName(text.substr(0, colon));
  if (!lower) {
    return std::nullopt;
  }
  field.name = *std::move(lower);
  const std::string_view port =
      colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  if (port.empty()) {
    return field;
  }
  const char* const end = port.data() + port.size();
  const auto [stopped, error] = std::from_chars(port.data(), end, field.port);
  if (error != std::errc() || stopped != end || field.port == 0) {
    return std::nullopt;
  }
  return field;
}

}  // namespace network_mapper::aws
