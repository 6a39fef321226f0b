#include "common/graphql/validation.h"

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "common/graphql/document_uses.h"
#include "common/graphql/field_writer.h"
#include "common/graphql/literal_check.h"

namespace network_mapper::graphql {

namespace {

template <typename Items>
std::vector<std::string> NamesOf(const Items& items) {
  std::vector<std::string> names;
  names.reserve(items.size());
  for (const auto& item : items) {
    names.push_back(item.name);
  }
  return names;
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
      : context_(context),
        document_(document),
        condition_(context.schema),
        variable_types_(context.schema),
        errors_(context.max_errors) {}

  std::vector<Error> Run() {
    CheckNames();
    for (const FragmentNode& fragment : document_.fragments) {
      CheckFragment(fragment);
    }
    for (const OperationNode& operation : document_.operations) {
      CheckOperation(operation);
    }
    CheckUses(document_, uses_, variable_types_, errors_);
    return errors_.Take();
  }

 private:
  void Complain(std::string message, Location location) {
    errors_.Add(std::move(message), location);
  }

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
    current_uses_ = &uses_.fragments[fragment.name];
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
    current_uses_ = &uses_.operations[&operation];
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
        const Type* type = variable_types_.Of(variable);
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
            current_uses_->variables.push_back({.name = variable.name,
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
      if (errors_.Full()) {
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
    current_uses_->fragments.insert(node.name);
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

  const ValidationContext& context_;
  const Document& document_;
  ConditionDirective condition_;
  VariableTypes variable_types_;
  ErrorList errors_;
  DocumentUses uses_;
  // Where uses are noted at the moment.
  Uses* current_uses_ = nullptr;
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
