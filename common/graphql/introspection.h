// Introspection (GraphQL October 2021, section 4): the schema described through its own types.
#pragma once

#include "common/graphql/schema.h"

namespace network_mapper::graphql {

// Adds __Schema, __Type and the other types to `schema`, and the fields __schema and __type to
// `query`, which is a copy of the schema's query type.
void AddIntrospection(Schema& schema, Type& query);

}  // namespace network_mapper::graphql
