#include "common/kube/server_url.h"

#include <algorithm>
#include <charconv>

namespace network_mapper::kube {

namespace {

StatusOr<int> ParsePort(std::string_view text, std::string_view url) {
  int port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port < 1 || port > 65535) {
    return InvalidArgument("server '{}': '{}' is no port", url, text);
  }
  return port;
}

}  // namespace

StatusOr<ServerUrl> ParseServerUrl(std::string_view url) {
  ServerUrl parsed;
  std::string_view rest = url;
  if (rest.starts_with("https://")) {
    parsed.tls = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return InvalidArgument("server '{}' must start with http:// or https://", url);
  }
  const bool unclean = std::any_of(rest.begin(), rest.end(), [](char c) {
    return c <= ' ' || c == '@' || c == '?' || c == '#' || c == 0x7F;
  });
  if (unclean) {
    return InvalidArgument("server '{}' must be scheme, host, port and path only", url);
  }
  const size_t slash = std::min(rest.find('/'), rest.size());
  std::string_view authority = rest.substr(0, slash);
  parsed.prefix = rest.substr(slash);
  parsed.prefix.erase(parsed.prefix.find_last_not_of('/') + 1);
  size_t port_colon = authority.find(':');
  if (authority.starts_with('[')) {
    const size_t close = authority.find(']');
    if (close == std::string_view::npos ||
        (close + 1 < authority.size() && authority[close + 1] != ':')) {
      return InvalidArgument("server '{}': the IPv6 address is not well bracketed", url);
    }
    parsed.host = authority.substr(1, close - 1);
    port_colon = close + 1 < authority.size() ? close + 1 : std::string_view::npos;
  } else {
    parsed.host = authority.substr(0, port_colon);
  }
  if (parsed.host.empty()) {
    return InvalidArgument("server '{}' has no host", url);
  }
  parsed.port = parsed.tls ? 443 : 80;
  if (port_colon != std::string_view::npos) {
    ASSIGN_OR_RETURN(parsed.port, ParsePort(authority.substr(port_colon + 1), url));
  }
  return parsed;
}

}  // namespace network_mapper::kube
