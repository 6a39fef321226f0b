// Plan: an operation made ready to run over any number of objects: fragments spread, @skip and
// @include decided, arguments coerced, response keys written out as JSON. Since every selection set
// belongs to one object type (there are no interfaces or unions), a plan is a plain tree.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "common/graphql/ast.h"
#include "common/graphql/coercion.h"
#include "common/graphql/error.h"
#include "common/graphql/schema.h"

namespace network_mapper::graphql {

struct SelectionPlan;

struct PlannedField {
  const Field* field = nullptr;
  // For error paths.
  std::string response_key;
  // "\"key\":".
  std::string key_json;
  Arguments arguments;
  // Null for leaves.
  std::unique_ptr<SelectionPlan> selection;
  // Not empty for __typename: the value as JSON.
  std::string type_name_json;
};

struct SelectionPlan {
  std::vector<PlannedField> fields;
};

struct PlanInput {
  const Document& document;
  const Variables& variables;
  size_t max_fields = 5'000;
  size_t max_root_fields = 50;
};

// Of a validated document. An error when merged fields conflict, or there are more fields than
// allowed.
std::variant<std::unique_ptr<SelectionPlan>, Error> MakePlan(
    const PlanInput& input, const Type& root, const std::vector<SelectionNode>& selections);

}  // namespace network_mapper::graphql
