// The syntax tree of a document of operations and fragments (GraphQL October 2021, section 2). Made
// by the parser.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/graphql/error.h"
#include "common/graphql/value.h"

namespace network_mapper::graphql {

struct ArgumentNode {
  std::string name;
  Value value;
  Location location;
};

struct DirectiveNode {
  std::string name;
  std::vector<ArgumentNode> arguments;
  Location location;
};

// "[Name!]!": the name and, from the inside to the outside, how it is wrapped.
struct TypeNode {
  enum class Wrapper { kList, kNonNull };

  std::string name;
  std::vector<Wrapper> wrappers;
  Location location;
};

struct VariableNode {
  std::string name;
  TypeNode type;
  std::optional<Value> default_value;
  std::vector<DirectiveNode> directives;
  Location location;
};

struct SelectionNode {
  enum class Kind { kField, kSpread, kInlineFragment };

  Kind kind = Kind::kField;
  // kField: the field's; kSpread: the fragment's.
  std::string name;
  // kField: empty without an alias.
  std::string alias;
  // kInlineFragment: empty without a type condition.
  std::string type_condition;
  std::vector<ArgumentNode> arguments;
  std::vector<DirectiveNode> directives;
  std::vector<SelectionNode> selections;
  // Whether there are braces, even around nothing.
  bool has_selections = false;
  Location location;

  const std::string& ResponseKey() const { return alias.empty() ? name : alias; }
};

enum class OperationKind { kQuery, kMutation, kSubscription };

struct OperationNode {
  OperationKind kind = OperationKind::kQuery;
  // Empty for an anonymous operation.
  std::string name;
  std::vector<VariableNode> variables;
  std::vector<DirectiveNode> directives;
  std::vector<SelectionNode> selections;
  Location location;
};

struct FragmentNode {
  std::string name;
  std::string type_condition;
  std::vector<DirectiveNode> directives;
  std::vector<SelectionNode> selections;
  Location location;
};

struct Document {
  std::vector<OperationNode> operations;
  std::vector<FragmentNode> fragments;

  // Null when there is none.
  const FragmentNode* FindFragment(std::string_view name) const {
    for (const FragmentNode& fragment : fragments) {
      if (fragment.name == name) {
        return &fragment;
      }
    }
    return nullptr;
  }
};

}  // namespace network_mapper::graphql
