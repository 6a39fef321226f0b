// Engine: answers GraphQL requests over a schema: parse, validate, execute. Bounds what a document
// may cost.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/graphql/schema.h"
#include "common/graphql/value.h"
#include "common/status/status.h"

namespace network_mapper::graphql {

struct Limits {
  size_t document_bytes = size_t{256} * 1024;
  size_t tokens = 20'000;
  // Of selections and of values.
  size_t depth = 32;
  // Fields after fragments are spread, each spread counted.
  size_t fields = 5'000;
  // Of the operation; each may be a walk through all data.
  size_t root_fields = 50;
  // A response that would be longer is given up.
  size_t response_bytes = size_t{256} * 1024 * 1024;
  // Errors that are reported; the rest is left out.
  size_t errors = 50;
};

struct Request {
  std::string_view query;
  // Empty: the document's only operation.
  std::string_view operation_name;
  // An object, or null.
  Value variables;
  // Refuse mutations (GET requests).
  bool queries_only = false;
  // Asked before a mutation runs, with the names of its fields; its error refuses the mutation.
  // Empty: every mutation runs.
  std::function<Status(const std::vector<std::string_view>&)> check_mutation{};
};

enum class Outcome {
  // The document was executed; there may be errors beside the data.
  kExecuted,
  // It did not parse or validate, or its variables do not fit: HTTP 422.
  kRejected,
  // A mutation where only queries are allowed: HTTP 406.
  kMutationRefused,
  // check_mutation refused it, with what is in `refusal`: HTTP 401, 403 or 503.
  kNotPermitted,
};

struct Response {
  Outcome outcome = Outcome::kRejected;
  // {"errors":[...],"data":...} or {"data":...}.
  std::string body;
  // Of kNotPermitted; else OK.
  Status refusal{};
};

// Thread-safe.
class Engine {
 public:
  // `schema` must have a query type and outlive this. Introspection is added to it here: its types
  // and the fields __schema and __type. One engine a schema.
  explicit Engine(Schema& schema, Limits limits = {});

  // `root` is the source of the fields of the query and mutation types.
  Response Execute(const Request& request, const void* root) const;

 private:
  const Schema& schema_;
  Limits limits_;
  // __schema and __type belong to the query type but are not listed among its fields.
  Type query_with_introspection_;
};

}  // namespace network_mapper::graphql
