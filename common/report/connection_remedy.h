// What a person can do about a failed connection of the report client. Pure.
#pragma once

#include <string_view>

#include "common/status/status.h"

namespace network_mapper {

// `outcome` is what ReportTransport::Run returned; `tls` whether the client speaks TLS.
std::string_view ConnectionRemedy(const Status& outcome, bool tls);

}  // namespace network_mapper
