// How the CLI reaches the mapper: at the address of --mapper-url, or through the service proxy of
// the API server that the kubeconfig names, which needs the right to create services/proxy in the
// mapper's namespace.
#pragma once

#include "cli/command_line.h"
#include "cli/mapper_query.h"
#include "common/status/status.h"

namespace network_mapper::cli {

// Nothing is sent before the transport is called. Each call may take ten seconds.
StatusOr<QueryTransport> ConnectToMapper(const CliOptions& options);

}  // namespace network_mapper::cli
