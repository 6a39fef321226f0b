// How the CLI reaches the mapper: at the address of --mapper-url, or through the API server that
// the kubeconfig names. There it goes by the proxy of the mapper's service, and where that is
// forbidden, by a forwarded port of its pod. A reset shows a token. What fails on the way is
// explained with what the user can do.
#pragma once

#include "cli/command_line.h"
#include "cli/mapper_query.h"
#include "common/kube/cluster_access.h"
#include "common/status/status.h"

namespace network_mapper::cli {

// Nothing is sent before the transport is called. Each call may take ten seconds.
StatusOr<QueryTransport> ConnectToMapper(
    const CliOptions& options, const kube::Environment& environment = kube::ProcessEnvironment());

}  // namespace network_mapper::cli
