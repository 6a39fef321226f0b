// Checks of literals in a document against input types (GraphQL October 2021, 5.6). Part of
// validation.
#pragma once

#include <functional>
#include <string>

#include "common/graphql/schema.h"
#include "common/graphql/value.h"

namespace network_mapper::graphql {

// Messages about a literal that does not fit; variables inside are passed over, their types being
// checked by position.
void CheckLiteral(const Type& type, const Value& literal,
                  const std::function<void(std::string)>& complain);

// Calls `visit` for each variable in `literal`, with the type that its position wants and whether
// that position has a default value; the type is null where the literal does not fit any.
void VisitVariables(const Type* type, const Value& literal, bool has_default,
                    const std::function<void(const Value::Variable&, const Type*, bool)>& visit);

}  // namespace network_mapper::graphql
