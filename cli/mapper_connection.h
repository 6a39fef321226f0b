// How the CLI reaches the mapper: at the address of --mapper-url, or through the service proxy of
// the API server that the kubeconfig names, which needs the right to create services/proxy in the
// mapper's namespace. What fails on the way is explained with what the user can do.
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
