#include "mapper/resolve/cluster_name.h"

#include <algorithm>

namespace network_mapper {
namespace {

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Takes the last label off `name`.
std::string_view TakeLastLabel(std::string_view& name) {
  const size_t dot = name.rfind('.');
  std::string_view label = name;
  if (dot == std::string_view::npos) {
    name = {};
  } else {
    label = name.substr(dot + 1);
    name = name.substr(0, dot);
  }
  return label;
}

}  // namespace

LoweredName::LoweredName(std::string_view name) {
  if (!name.empty() && name.back() == '.') {
    name.remove_suffix(1);
  }
  if (name.size() > text_.size()) {
    return;
  }
  std::transform(name.begin(), name.end(), text_.begin(), Lower);
  size_ = name.size();
}

std::string NormalizeClusterDomain(std::string_view domain) {
  while (!domain.empty() && domain.front() == '.') {
    domain.remove_prefix(1);
  }
  while (!domain.empty() && domain.back() == '.') {
    domain.remove_suffix(1);
  }
  std::string normalized(domain);
  std::transform(normalized.begin(), normalized.end(), normalized.begin(), Lower);
  return normalized;
}

std::optional<IpAddress> ParseDashedAddress(std::string_view label) {
  // The longest text form of an IPv6 address has 39 characters, of one that ends in IPv4 form 45.
  constexpr size_t kLongest = 45;
  if (label.size() > kLongest) {
    return std::nullopt;
  }
  std::array<char, kLongest> text{};
  for (char separator : {'.', ':'}) {
    std::replace_copy(label.begin(), label.end(), text.begin(), '-', separator);
    if (auto address = IpAddress::Parse({text.data(), label.size()}); address.has_value()) {
      return address;
    }
  }
  return std::nullopt;
}

ClusterName ParseClusterName(std::string_view name, std::string_view domain) {
  ClusterName parsed;
  if (domain.empty() || name.size() < domain.size() ||
      name.substr(name.size() - domain.size()) != domain) {
    return parsed;
  }
  name.remove_suffix(domain.size());
  if (!name.empty() && name.back() != '.') {
    return parsed;
  }
  parsed.kind = ClusterName::Kind::kUnsupported;
  if (name.empty()) {
    return parsed;
  }
  name.remove_suffix(1);
  const std::string_view what = TakeLastLabel(name);
  const std::string_view name_space = TakeLastLabel(name);
  const std::string_view last = TakeLastLabel(name);
  if (name_space.empty() || last.empty()) {
    return parsed;
  }
  if (what == "svc") {
    parsed.kind = ClusterName::Kind::kService;
    parsed.name_space = name_space;
    parsed.service = last;
    const bool is_host = name.find('.') == std::string_view::npos && !name.starts_with('_');
    parsed.host = is_host ? name : std::string_view();
  } else if (what == "pod") {
    if (auto address = ParseDashedAddress(last); address.has_value()) {
      parsed.kind = ClusterName::Kind::kPod;
      parsed.name_space = name_space;
      parsed.address = *address;
    }
  }
  return parsed;
}

}  // namespace network_mapper
