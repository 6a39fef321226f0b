// The CLI's questions to the mapper, in GraphQL, with the original CLI's fallbacks for older
// mappers.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/mapper_intent.h"
#include "common/status/status.h"

namespace network_mapper::cli {

struct HttpReply {
  int status = 0;
  std::string body;
};

// Sends a GraphQL request body to the mapper's /query. A reply of any HTTP status is OK; a Status
// is a transport failure.
using QueryTransport = std::function<StatusOr<HttpReply>(const std::string& body)>;

struct ServerFilter {
  std::string name;
  std::string name_space;
};

struct IntentFilter {
  std::vector<std::string> namespaces;
  std::vector<std::string> exclude_labels;
  std::optional<std::string> distinct_by_label;
  std::optional<ServerFilter> server;
};

struct QueryResult {
  std::vector<MapperIntent> intents;
  // The mapper did not know the current query; an older one without all filters was used.
  bool old_mapper = false;
};

StatusOr<QueryResult> QueryIntents(const QueryTransport& transport, const IntentFilter& filter);

Status ResetCapture(const QueryTransport& transport);

// "<server>.<namespace>", both parts not empty.
StatusOr<ServerFilter> ParseServerFilter(const std::string& text);

}  // namespace network_mapper::cli
