// The way to the mapper without its service's proxy: a port of its pod, forwarded by the API
// server, and one HTTP request over it. Takes the rights to list pods and to get and create
// pods/portforward in the mapper's namespace; where services may be got too, the service says which
// pod and port.
#pragma once

#include <chrono>
#include <string>

#include "cli/command_line.h"
#include "cli/mapper_query.h"
#include "common/kube/client.h"
#include "common/status/status.h"

namespace network_mapper::cli {

// The HTTP status by which the API server says that a right is missing.
inline constexpr int kForbidden = 403;

// As QueryTransport: a reply of any HTTP status is OK. `token` is shown where it is not empty.
StatusOr<HttpReply> PostThroughPod(kube::Client& client, const CliOptions& options,
                                   const std::string& body, const std::string& token,
                                   std::chrono::milliseconds timeout);

}  // namespace network_mapper::cli
