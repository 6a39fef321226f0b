// The address of an API server taken apart.
#pragma once

#include <string>
#include <string_view>

#include "common/status/status.h"

namespace network_mapper::kube {

struct ServerUrl {
  bool tls = false;
  // Without brackets.
  std::string host;
  int port = 0;
  // "" or "/prefix" without a slash at the end.
  std::string prefix;
};

// "https://[fd00::1]:6443/prefix/"; the port defaults to 443 or 80. Credentials, query and fragment
// are errors.
StatusOr<ServerUrl> ParseServerUrl(std::string_view url);

}  // namespace network_mapper::kube
