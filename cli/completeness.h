// How complete the mapper says its map is: one line for `list`, all of it for `status`.
#pragma once

#include <optional>
#include <string>

#include "cli/mapper_call.h"
#include "common/status/status.h"
#include "common/time/clock.h"

namespace network_mapper::cli {

// The object `completeness` of the mapper's API; absent when the mapper does not know it.
StatusOr<std::optional<Json>> AskForCompleteness(const QueryTransport& transport);

// "Complete since ...: 3 of 3 nodes reporting, ..."; without the word when something is missing.
std::string CompletenessLine(const Json& completeness);

// Sums, then a table of collectors.
std::string CompletenessText(const Json& completeness, Time now, bool with_headers);

}  // namespace network_mapper::cli
