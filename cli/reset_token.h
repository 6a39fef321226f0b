// The token that a reset shows to the mapper, which wants to know who makes it forget.
#pragma once

#include <string>
#include <string_view>

#include "cli/command_line.h"
#include "common/kube/client.h"
#include "common/status/status.h"

namespace network_mapper::cli {

// An API server keeps the Authorization header of what it forwards for itself.
inline constexpr std::string_view kTokenHeader = "X-Network-Mapper-Token";

struct ResetToken {
  // Empty: there is none. A mapper that asks for none resets all the same.
  std::string text;
  // Why the API server gave none.
  Status problem;
};

// Of --token-file, else, through the API server that `client` talks to, one that it issues. Empty
// for all other commands. An error when the file holds none.
StatusOr<ResetToken> FindResetToken(kube::Client& client, const CliOptions& options);

}  // namespace network_mapper::cli
