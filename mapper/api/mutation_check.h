// Whether a request may change the map: which role a mutation needs, and which token the request
// shows.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/http/http_server.h"
#include "common/status/status.h"
#include "mapper/ingest/collector_identity.h"

namespace network_mapper {

// The API server takes the Authorization header off what it forwards to a service, hence one more.
inline constexpr std::string_view kTokenHeader = "x-network-mapper-token";

// Of that header, else of "Authorization: Bearer"; empty when there is none.
std::string ShownToken(const HttpRequest& request);

// For a mutation with these fields, each with the role that it needs. Without `check_role` anybody
// may do anything. Errors say what is missing and how to get it.
Status CheckMutation(const CheckRole& check_role, const HttpRequest& request,
                     const std::vector<std::string_view>& fields);

}  // namespace network_mapper
