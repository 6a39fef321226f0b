// Conversion of input values to input types (GraphQL October 2021, 3.5 to 3.12, 6.1.2).
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/graphql/ast.h"
#include "common/graphql/error.h"
#include "common/graphql/schema.h"
#include "common/graphql/value.h"

namespace network_mapper::graphql {

// Wrapped types that a document makes up, beside those of the schema; addresses stay valid.
using TypeArena = std::deque<Type>;

// Null when the name in it is no type of the schema or no input type. Wrappers are made in `arena`.
const Type* ResolveTypeNode(const Schema& schema, const TypeNode& node, TypeArena& arena);
std::string PrintTypeNode(const TypeNode& node);

using Variables = std::map<std::string, Value, std::less<>>;

// The operation's variables from a request's; the first that does not fit is the error.
std::variant<Variables, Error> CoerceVariables(const Schema& schema, const OperationNode& operation,
                                               const Value& given);

// A validated literal with variables and defaults filled in; absent when it is a variable that is
// not given.
std::optional<Value> CoerceLiteral(const Type& type, const Value& literal,
                                   const Variables& variables);

// Whether a coerced value lacks something that its type wants: a variable with a default passes
// validation where null must not be, and may be given as null all the same.
bool HasForbiddenNull(const Type& type, const Value& coerced);

}  // namespace network_mapper::graphql
