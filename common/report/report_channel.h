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

// Checks the address's form, that the TLS options fit together and that their files can be used.
Status CheckReportClientOptions(const ReportClientOptions& options);

// For options that have been checked. Reads the credential files again; does not connect yet.
StatusOr<std::shared_ptr<grpc::Channel>> MakeReportChannel(const ReportClientOptions& options);

}  // namespace network_mapper
