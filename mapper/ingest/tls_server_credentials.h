// TLS of the report server, with certificates that may be renewed while it runs. Internal to this
// folder: it shows gRPC's headers.
#pragma once

#include <memory>

#include <grpcpp/security/server_credentials.h>

#include "common/status/status.h"
#include "mapper/ingest/report_server.h"

namespace network_mapper {

// An error when the files cannot be used now. Later, files that cannot be used leave the former
// ones in force, with a line in the log. Must outlive the server that it is given to.
StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeTlsServerCredentials(
    const ReportServerTls& tls);

}  // namespace network_mapper
