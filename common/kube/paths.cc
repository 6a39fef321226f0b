#include "common/kube/paths.h"

#include <fmt/format.h>

namespace network_mapper::kube {

namespace {

bool IsUnreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

std::string ProxyPath(std::string_view resource, const ProxyTarget& target) {
  return fmt::format("/api/v1/namespaces/{}/{}/{}:{}/proxy{}", PercentEncode(target.name_space),
                     resource, PercentEncode(target.name), PercentEncode(target.port), target.path);
}

}  // namespace

std::string PercentEncode(std::string_view text) {
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    if (IsUnreserved(c)) {
      encoded.push_back(c);
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

std::string GroupVersionPath(std::string_view api_version) {
  const size_t slash = api_version.find('/');
  if (slash == std::string_view::npos) {
    return fmt::format("/api/{}", PercentEncode(api_version));
  }
  return fmt::format("/apis/{}/{}", PercentEncode(api_version.substr(0, slash)),
                     PercentEncode(api_version.substr(slash + 1)));
}

std::string ServiceProxyPath(const ProxyTarget& target) {
  return ProxyPath("services", target);
}

std::string PodProxyPath(const ProxyTarget& target) {
  return ProxyPath("pods", target);
}

}  // namespace network_mapper::kube
