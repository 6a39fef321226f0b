// Makes the gRPC channel of one connection attempt of the report client.
#pragma once

#include <memory>
#include <string>

#include "common/report/report_client.h"
#include "common/status/status.h"

namespace grpc {
class Channel;
}

namespace network_mapper {

// Checks the address's form and that the TLS options fit together.
Status CheckReportClientOptions(const ReportClientOptions& options);

// Reads the credential files; does not connect yet.
StatusOr<std::shared_ptr<grpc::Channel>> MakeReportChannel(const ReportClientOptions& options);

}  // namespace network_mapper
