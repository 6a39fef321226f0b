// The output type Completeness of the API's schema. Used by api_schema.cc only.
#pragma once

#include "common/graphql/schema.h"

namespace network_mapper {

// Of the struct of that name. `time` is the scalar Time.
const graphql::Type* AddCompletenessType(graphql::Schema& schema, const graphql::Type* time);

}  // namespace network_mapper
