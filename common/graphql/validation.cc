#include "common/graphql/validation.h"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "common/graphql/coercion.h"
#include "common/graphql/field_writer.h"

namespace network_mapper::graphql {

namespace {

using Names = std::set<std::string, std::less<>>;

template <typename Items>
std::vector<std::string> NamesOf(const Items& items) {
  std::vector<std::string> names;
  names.reserve(items.size());
  for (const auto& item : items) {
    names.push_back(item.name);
  }
  return names;
}

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

// AreTypesCompatible of the specification.
bool Compatible(const Type& variable, const Type& position) {
  if (position.IsNonNull()) {
    return variable.IsNonNull() && Compatible(*variable.of_type, *position.of_type);
  }
  if (variable.IsNonNull()) {
    return Compatible(*variable.of_type, position);
  }
  if (position.kind == TypeKind::kList || variable.kind == TypeKind::kList) {
    return position.kind == variable.kind && Compatible(*variable.of_type, *position.of_type);
  }
  return &variable == &position;
}

// What the argument of @skip and @include looks like.
struct ConditionDirective {
  Type non_null_boolean;
  std::vector<InputField> arguments;

  explicit ConditionDirective(const Schema& schema) {
    non_null_boolean.kind = TypeKind::kNonNull;
    non_null_boolean.of_type = schema.Boolean();
    arguments.push_back({.name = "if",
                         .type = &non_null_boolean,
                         .description = "",
                         .default_value = std::nullopt});
  }
};

class Validator {
 public:
  Validator(const ValidationContext& context, const Document& document)
      : context_(context), document_(document), condition_(context.schema) {}

  std::vector<Error> Run() {
    CheckNames();
    for (const FragmentNode& fragment : document_.fragments) {
      CheckFragment(fragment);
    }
    for (const OperationNode& operation : document_.operations) {
      CheckOperation(operation);
    }
    CheckFragmentCycles();
    for (const OperationNode& operation : document_.operations) {
      CheckVariableUses(operation);
    }
    CheckUnusedFragments();
    return std::move(errors_);
  }

 private:
  void Complain(std::string message, Location location) {
    if (errors_.size() < context_.max_errors) {
      errors_.push_back({.message = std::move(message),
                         .locations = {location},
                         .path = {},
                         .code = kValidationFailed});
    }
  }

  bool Full() const { return errors_.size() >= context_.max_errors; }

  void CheckNames() {
    Names operations;
    for (const OperationNode& operation : document_.operations) {
      if (operation.name.empty() && document_.operations.size() > 1) {
        Complain("This anonymous operation must be the only defined operation.",
                 operation.location);
      } else if (!operation.name.empty() && !operations.insert(operation.name).second) {
        Complain(fmt::format("There can be only one operation named \"{}\".", operation.name),
                 operation.location);
      }
    }
    Names fragments;
    for (const FragmentNode& fragment : document_.fragments) {
      if (!fragments.insert(fragment.name).second) {
        Complain(fmt::format("There can be only one fragment named \"{}\".", fragment.name),
                 fragment.location);
      }
    }
  }

  // The type of a fragment's condition, complaining when it is none.
  const Type* ConditionType(const std::string& name, const std::string& fragment,
                            Location location) {
    const Type* type = context_.schema.FindType(name);
    if (type == nullptr) {
      Complain(fmt::format("Unknown type \"{}\".", name), location);
      return nullptr;
    }
    if (type->kind != TypeKind::kObject) {
      Complain(fragment.empty()
                   ? fmt::format("Fragment cannot condition on non composite type \"{}\".", name)
                   : fmt::format("Fragment \"{}\" cannot condition on non composite type \"{}\".",
                                 fragment, name),
               location);
      return nullptr;
    }
    return name == context_.query_type.name ? &context_.query_type : type;
  }

  void CheckFragment(const FragmentNode& fragment) {
    const Type* type = ConditionType(fragment.type_condition, fragment.name, fragment.location);
    uses_ = &fragment_uses_[fragment.name];
    CheckDirectives(fragment.directives, "FRAGMENT_DEFINITION");
    CheckSelections(type, fragment.selections);
  }

  void CheckOperation(const OperationNode& operation) {
    constexpr std::array<std::string_view, 3> kWords = {"query", "mutation", "subscription"};
    constexpr std::array<std::string_view, 3> kLocations = {"QUERY", "MUTATION", "SUBSCRIPTION"};
    auto kind = static_cast<size_t>(operation.kind);
    const Type* root = RootType(context_, operation.kind);
    if (root == nullptr) {
      Complain(fmt::format("Schema does not support operation type \"{}\"", kWords[kind]),
               operation.location);
    }
    uses_ = &operation_uses_[&operation];
    CheckVariables(operation);
    CheckDirectives(operation.directives, kLocations[kind]);
    CheckSelections(root, operation.selections);
  }

  void CheckVariables(const OperationNode& operation) {
    Names names;
    for (const VariableNode& variable : operation.variables) {
      if (!names.insert(variable.name).second) {
        Complain(fmt::format("There can be only one variable named \"${}\".", variable.name),
                 variable.location);
      }
      CheckDirectives(variable.directives, "VARIABLE_DEFINITION");
      const Type* named = context_.schema.FindType(variable.type.name);
      if (named == nullptr) {
        std::vector<std::string> known;
        for (const Type& type : context_.schema.Types()) {
          if (!type.name.empty()) {
            known.push_back(type.name);
          }
        }
        Complain(fmt::format("Unknown type \"{}\".{}", variable.type.name,
                             DidYouMean(variable.type.name, known)),
                 variable.type.location);
        continue;
      }
      if (!named->IsInput()) {
        Complain(fmt::format("Variable \"${}\" cannot be non-input type \"{}\".", variable.name,
                             PrintTypeNode(variable.type)),
                 variable.location);
        continue;
      }
      if (variable.default_value) {
        const Type* type = TypeOf(variable);
        CheckLiteral(*type, *variable.default_value,
                     [&](std::string message) { Complain(std::move(message), variable.location); });
      }
    }
  }

  void CheckDirectives(const std::vector<DirectiveNode>& directives, std::string_view location) {
    Names names;
    for (const DirectiveNode& directive : directives) {
      if (directive.name != "skip" && directive.name != "include") {
        Complain(fmt::format("Unknown directive \"@{}\".", directive.name), directive.location);
        continue;
      }
      if (location != "FIELD" && location != "FRAGMENT_SPREAD" && location != "INLINE_FRAGMENT") {
        Complain(fmt::format("Directive \"@{}\" may not be used on {}.", directive.name, location),
                 directive.location);
      }
      if (!names.insert(directive.name).second) {
        Complain(fmt::format("The directive \"@{}\" can only be used once at this location.",
                             directive.name),
                 directive.location);
      }
      CheckArguments(condition_.arguments, directive.arguments,
                     {.of = fmt::format("directive \"@{}\"", directive.name),
                      .required = fmt::format("Directive \"@{}\"", directive.name),
                      .location = directive.location});
    }
  }

  // How messages about arguments name what they belong to.
  struct ArgumentOwner {
    std::string of;
    std::string required;
    Location location;
  };

  void CheckArguments(const std::vector<InputField>& wanted, const std::vector<ArgumentNode>& given,
                      const ArgumentOwner& owner) {
    Names names;
    for (const ArgumentNode& argument : given) {
      if (!names.insert(argument.name).second) {
        Complain(fmt::format("There can be only one argument named \"{}\".", argument.name),
                 argument.location);
      }
      auto found = std::find_if(wanted.begin(), wanted.end(), [&](const InputField& field) {
        return field.name == argument.name;
      });
      if (found == wanted.end()) {
        Complain(fmt::format("Unknown argument \"{}\" on {}.{}", argument.name, owner.of,
                             DidYouMean(argument.name, NamesOf(wanted))),
                 argument.location);
      }
      const Type* type = found == wanted.end() ? nullptr : found->type;
      if (type != nullptr) {
        CheckLiteral(*type, argument.value,
                     [&](std::string message) { Complain(std::move(message), argument.location); });
      }
      bool has_default = found != wanted.end() && found->default_value;
      VisitVariables(
          type, argument.value, has_default,
          [&](const Value::Variable& variable, const Type* position, bool position_has_default) {
            uses_->variables.push_back({.name = variable.name,
                                        .position = position,
                                        .position_has_default = position_has_default,
                                        .location = argument.location});
          });
    }
    for (const InputField& field : wanted) {
      if (field.type->IsNonNull() && !field.default_value && !names.contains(field.name)) {
        Complain(
            fmt::format("{} argument \"{}\" of type \"{}\" is required, but it was not provided.",
                        owner.required, field.name, field.type->ToString()),
            owner.location);
      }
    }
  }

  // `type` is null below something unknown: then only names of fragments and variables are
  // collected.
  void CheckSelections(const Type* type, const std::vector<SelectionNode>& selections) {
    for (const SelectionNode& selection : selections) {
      if (Full()) {
        return;
      }
      switch (selection.kind) {
        case SelectionNode::Kind::kField:
          CheckField(type, selection);
          break;
        case SelectionNode::Kind::kSpread:
          CheckSpread(type, selection);
          break;
        case SelectionNode::Kind::kInlineFragment:
          CheckInlineFragment(type, selection);
          break;
      }
    }
  }

  void CheckField(const Type* type, const SelectionNode& node) {
    CheckDirectives(node.directives, "FIELD");
    const Field* field = type == nullptr ? nullptr : FindFieldOf(*type, node.name);
    if (type != nullptr && field == nullptr) {
      Complain(fmt::format("Cannot query field \"{}\" on type \"{}\".{}", node.name, type->name,
                           DidYouMean(node.name, NamesOf(type->fields))),
               node.location);
    }
    if (field == nullptr) {
      CheckSelections(nullptr, node.selections);
      return;
    }
    CheckArguments(field->arguments, node.arguments,
                   {.of = fmt::format("field \"{}.{}\"", type->name, field->name),
                    .required = fmt::format("Field \"{}\"", field->name),
                    .location = node.location});
    const Type& named = field->type->Named();
    if (named.IsLeaf() && node.has_selections) {
      Complain(
          fmt::format("Field \"{}\" must not have a selection since type \"{}\" has no subfields.",
                      field->name, field->type->ToString()),
          node.location);
      return;
    }
    if (!named.IsLeaf() && !node.has_selections) {
      Complain(fmt::format("Field \"{}\" of type \"{}\" must have a selection of subfields. Did "
                           "you mean \"{} {{ ... }}\"?",
                           field->name, field->type->ToString(), field->name),
               node.location);
    }
    CheckSelections(&named, node.selections);
  }

  void CheckPossible(const Type* parent, const Type* condition, const std::string& fragment,
                     Location location) {
    if (parent == nullptr || condition == nullptr || parent->name == condition->name) {
      return;
    }
    Complain(fmt::format("Fragment {}cannot be spread here as objects of type \"{}\" can never be "
                         "of type \"{}\".",
                         fragment.empty() ? "" : fmt::format("\"{}\" ", fragment), parent->name,
                         condition->name),
             location);
  }

  void CheckSpread(const Type* type, const SelectionNode& node) {
    CheckDirectives(node.directives, "FRAGMENT_SPREAD");
    const FragmentNode* fragment = document_.FindFragment(node.name);
    if (fragment == nullptr) {
      Complain(fmt::format("Unknown fragment \"{}\".", node.name), node.location);
      return;
    }
    uses_->fragments.insert(node.name);
    CheckPossible(type, context_.schema.FindType(fragment->type_condition), node.name,
                  node.location);
  }

  void CheckInlineFragment(const Type* type, const SelectionNode& node) {
    CheckDirectives(node.directives, "INLINE_FRAGMENT");
    if (node.type_condition.empty()) {
      CheckSelections(type, node.selections);
      return;
    }
    const Type* condition = ConditionType(node.type_condition, "", node.location);
    CheckPossible(type, condition, "", node.location);
    CheckSelections(condition, node.selections);
  }

  void CheckFragmentCycles() {
    Names finished;
    for (const FragmentNode& fragment : document_.fragments) {
      std::vector<std::string> path;
      FindCycle(fragment.name, path, finished);
    }
  }

  void FindCycle(const std::string& name, std::vector<std::string>& path, Names& finished) {
    auto begin = std::find(path.begin(), path.end(), name);
    if (begin != path.end()) {
      std::string via;
      for (auto part = begin + 1; part != path.end(); ++part) {
        via += fmt::format("{}\"{}\"", via.empty() ? " via " : ", ", *part);
      }
      Complain(fmt::format("Cannot spread fragment \"{}\" within itself{}.", name, via),
               document_.FindFragment(name)->location);
      return;
    }
    if (finished.contains(name) || Full()) {
      return;
    }
    path.push_back(name);
    for (const std::string& next : fragment_uses_[name].fragments) {
      FindCycle(next, path, finished);
    }
    path.pop_back();
    finished.insert(name);
  }

  // All fragments that an operation reaches.
  Names Reachable(const OperationNode& operation) {
    Names reached;
    std::vector<std::string> open(operation_uses_[&operation].fragments.begin(),
                                  operation_uses_[&operation].fragments.end());
    while (!open.empty()) {
      std::string name = std::move(open.back());
      open.pop_back();
      if (reached.insert(name).second) {
        const Names& next = fragment_uses_[name].fragments;
        open.insert(open.end(), next.begin(), next.end());
      }
    }
    return reached;
  }

  // Made once for each variable: a fragment may use it often, in many operations.
  const Type* TypeOf(const VariableNode& variable) {
    auto [known, added] = variable_types_.try_emplace(&variable, nullptr);
    if (added) {
      known->second = ResolveTypeNode(context_.schema, variable.type, arena_);
    }
    return known->second;
  }

  void CheckUse(const OperationNode& operation, const VariableUse& use, Names& used) {
    used.insert(use.name);
    if (Full()) {
      return;
    }
    auto variable = std::find_if(operation.variables.begin(), operation.variables.end(),
                                 [&](const VariableNode& node) { return node.name == use.name; });
    if (variable == operation.variables.end()) {
      Complain(operation.name.empty()
                   ? fmt::format("Variable \"${}\" is not defined.", use.name)
                   : fmt::format("Variable \"${}\" is not defined by operation \"{}\".", use.name,
                                 operation.name),
               use.location);
      return;
    }
    const Type* type = TypeOf(*variable);
    if (type == nullptr || use.position == nullptr) {
      return;
    }
    bool default_helps =
        (variable->default_value && !variable->default_value->IsNull()) || use.position_has_default;
    const Type& position = use.position->IsNonNull() && !type->IsNonNull() && default_helps
                               ? *use.position->of_type
                               : *use.position;
    // A list position takes a single value of its item type, as the original does.
    const Type& item = position.IsNonNull() ? *position.of_type : position;
    bool single = item.kind == TypeKind::kList && Compatible(*type, *item.of_type);
    if (!Compatible(*type, position) && !single) {
      Complain(
          fmt::format("Variable \"${}\" of type \"{}\" used in position expecting type \"{}\".",
                      use.name, PrintTypeNode(variable->type), use.position->ToString()),
          use.location);
    }
  }

  void CheckVariableUses(const OperationNode& operation) {
    Names used;
    for (const VariableUse& use : operation_uses_[&operation].variables) {
      CheckUse(operation, use, used);
    }
    for (const std::string& fragment : Reachable(operation)) {
      for (const VariableUse& use : fragment_uses_[fragment].variables) {
        CheckUse(operation, use, used);
      }
    }
    for (const VariableNode& variable : operation.variables) {
      if (!used.contains(variable.name)) {
        Complain(operation.name.empty()
                     ? fmt::format("Variable \"${}\" is never used.", variable.name)
                     : fmt::format("Variable \"${}\" is never used in operation \"{}\".",
                                   variable.name, operation.name),
                 variable.location);
      }
    }
  }

  void CheckUnusedFragments() {
    Names used;
    for (const OperationNode& operation : document_.operations) {
      used.merge(Reachable(operation));
    }
    for (const FragmentNode& fragment : document_.fragments) {
      if (!used.contains(fragment.name)) {
        Complain(fmt::format("Fragment \"{}\" is never used.", fragment.name), fragment.location);
      }
    }
  }

  const ValidationContext& context_;
  const Document& document_;
  ConditionDirective condition_;
  TypeArena arena_;
  std::map<const VariableNode*, const Type*> variable_types_;
  std::vector<Error> errors_;
  std::map<std::string, Uses, std::less<>> fragment_uses_;
  std::map<const OperationNode*, Uses> operation_uses_;
  // Where uses are noted at the moment.
  Uses* uses_ = nullptr;
};

}  // namespace

const Type* RootType(const ValidationContext& context, OperationKind kind) {
  switch (kind) {
    case OperationKind::kQuery:
      return &context.query_type;
    case OperationKind::kMutation:
      return context.schema.Mutation();
    case OperationKind::kSubscription:
      return nullptr;
  }
  return nullptr;
}

const Field* FindFieldOf(const Type& type, std::string_view name) {
  static const Type string_type = [] {
    Type type_of_name;
    type_of_name.name = "String";
    return type_of_name;
  }();
  static const Type non_null_string = [] {
    Type wrapper;
    wrapper.kind = TypeKind::kNonNull;
    wrapper.of_type = &string_type;
    return wrapper;
  }();
  // Its value is written by the plan, which knows the type.
  static const Field type_name = [] {
    Field field;
    field.name = "__typename";
    field.type = &non_null_string;
    return field;
  }();
  return name == type_name.name ? &type_name : type.FindField(name);
}

std::vector<Error> ValidateDocument(const ValidationContext& context, const Document& document) {
  return Validator(context, document).Run();
}

}  // namespace network_mapper::graphql
