// Base64 (RFC 4648, section 4) for kubeconfig data fields and Basic authentication.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace network_mapper::kube {

std::string EncodeBase64(std::string_view bytes);
// White space is skipped; absent when anything else is not Base64.
std::optional<std::string> DecodeBase64(std::string_view text);

}  // namespace network_mapper::kube
