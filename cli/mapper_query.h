// The CLI's questions to the mapper, in GraphQL, with the original CLI's fallbacks for older
// mappers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/mapper_call.h"
#include "cli/mapper_intent.h"
#include "common/status/status.h"
#include "common/time/clock.h"

namespace network_mapper::cli {

struct ServerFilter {
  std::string name;
  std::string name_space;
};

struct IntentFilter {
  std::vector<std::string> namespaces;
  std::vector<std::string> exclude_labels;
  std::optional<std::string> distinct_by_label;
  std::optional<ServerFilter> server;
  // Only intents that are this sure or surer.
  std::optional<Strength> weakest = std::nullopt;
  // Only what was seen at all in this span.
  std::optional<Time> since = std::nullopt;
  std::optional<Time> until = std::nullopt;
};

struct QueryResult {
  std::vector<MapperIntent> intents;
  // The mapper did not know the current query; an older one without all filters was used.
  bool old_mapper = false;
};

// FailedPrecondition when the mapper cannot tell what the filter asks for.
StatusOr<QueryResult> QueryIntents(const QueryTransport& transport, const IntentFilter& filter);

// Makes the mapper forget the whole map.
Status ResetCapture(const QueryTransport& transport);

struct ForgetFilter {
  std::vector<std::string> namespaces;
  std::optional<Time> last_seen_before;
};

// Makes it forget what passes the filter, which is not empty. Returns how many intents went;
// FailedPrecondition when the mapper can forget the whole map only.
StatusOr<uint64_t> ForgetIntents(const QueryTransport& transport, const ForgetFilter& filter);

// "<server>.<namespace>", both parts not empty.
StatusOr<ServerFilter> ParseServerFilter(const std::string& text);

}  // namespace network_mapper::cli
