// Validation of a document against a schema (GraphQL October 2021, section 5). Checks each
// operation and fragment once, whether it is executed or not. Conflicts between merged fields are
// found by the plan of an operation.
#pragma once

#include <cstddef>
#include <vector>

#include "common/graphql/ast.h"
#include "common/graphql/error.h"
#include "common/graphql/schema.h"

namespace network_mapper::graphql {

struct ValidationContext {
  const Schema& schema;
  // The query type together with __schema and __type.
  const Type& query_type;
  size_t max_errors = 50;
};

// Empty when the document is valid.
std::vector<Error> ValidateDocument(const ValidationContext& context, const Document& document);

// Null when the document must not use the operation: there is no such root type.
const Type* RootType(const ValidationContext& context, OperationKind kind);

// The field of an object type, __typename included; null when there is none.
const Field* FindFieldOf(const Type& type, std::string_view name);

}  // namespace network_mapper::graphql
