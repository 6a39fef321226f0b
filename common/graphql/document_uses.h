// What operations and fragments use of each other, and the rules that only the whole document can
// tell (GraphQL October 2021, 5.5.1.4, 5.5.2.2, 5.8.3 to 5.8.5). Part of validation.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/graphql/ast.h"
#include "common/graphql/coercion.h"
#include "common/graphql/error.h"
#include "common/graphql/schema.h"

namespace network_mapper::graphql {

using Names = std::set<std::string, std::less<>>;

// Errors found so far, up to a bound.
class ErrorList {
 public:
  explicit ErrorList(size_t most) : most_(most) {}

  void Add(std::string message, Location location);

  bool Full() const { return errors_.size() >= most_; }

  std::vector<Error> Take() { return std::move(errors_); }

 private:
  size_t most_;
  std::vector<Error> errors_;
};

// The types of variables, each made once: a fragment may use a variable often, in many operations.
class VariableTypes {
 public:
  explicit VariableTypes(const Schema& schema) : schema_(schema) {}

  // Null: unknown or no input type.
  const Type* Of(const VariableNode& variable);

 private:
  const Schema& schema_;
  TypeArena arena_;
  std::map<const VariableNode*, const Type*> types_;
};

struct VariableUse {
  std::string name;
  // Null where the value around it does not fit its type.
  const Type* position = nullptr;
  bool position_has_default = false;
  Location location;
};

// What a fragment or an operation uses itself, without the fragments that it spreads.
struct Uses {
  std::vector<VariableUse> variables;
  Names fragments;
};

struct DocumentUses {
  std::map<std::string, Uses, std::less<>> fragments;
  std::map<const OperationNode*, Uses> operations;
};

// Fragments that spread themselves or are never spread, variables that are undefined, unused or of
// the wrong type where they stand.
void CheckUses(const Document& document, const DocumentUses& uses, VariableTypes& types,
               ErrorList& errors);

}  // namespace network_mapper::graphql
