// One question to the mapper: sends a GraphQL operation and reads what comes back, whatever its
// shape. What the operations mean is known to those who ask.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/status/status.h"

namespace network_mapper::cli {

using Json = nlohmann::json;

struct HttpReply {
  int status = 0;
  std::string body;
};

// Sends a GraphQL request body to the mapper's /query. A reply of any HTTP status is OK; a Status
// is a transport failure.
using QueryTransport = std::function<StatusOr<HttpReply>(const std::string& body)>;

// `data` of a successful answer; absent when the mapper does not know the operation (422).
StatusOr<std::optional<Json>> Ask(const QueryTransport& transport, std::string_view query,
                                  const char* operation, const Json& variables);

// A null or missing member is empty, and so is one of another kind.
std::string TextOf(const Json& object, const char* key);
const Json& ListOf(const Json& object, const char* key);
const Json& ObjectOf(const Json& object, const char* key);
std::vector<std::string> TextsOf(const Json& object, const char* key);
uint64_t CountOf(const Json& object, const char* key);

}  // namespace network_mapper::cli
