#include "common/graphql/plan.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "common/graphql/validation.h"
#include "common/text/json_string.h"

namespace network_mapper::graphql {

namespace {

class Planner {
 public:
  explicit Planner(const PlanInput& input) : input_(input) {}

  std::unique_ptr<SelectionPlan> Plan(const Type& type,
                                      const std::vector<const SelectionNode*>& parents) {
    std::vector<Group> groups;
    std::unordered_map<std::string_view, size_t> by_key;
    for (const SelectionNode* parent : parents) {
      Collect(parent->selections, groups, by_key);
    }
    return Finish(type, groups);
  }

  std::unique_ptr<SelectionPlan> PlanRoot(const Type& type,
                                          const std::vector<SelectionNode>& selections) {
    std::vector<Group> groups;
    std::unordered_map<std::string_view, size_t> by_key;
    Collect(selections, groups, by_key);
    if (groups.size() > input_.max_root_fields) {
      Fail(fmt::format("The operation selects more than {} root fields.", input_.max_root_fields),
           groups[input_.max_root_fields].front()->location);
    }
    return Finish(type, groups);
  }

  const std::optional<Error>& Failure() const { return failure_; }

 private:
  // All nodes of one response key, in order.
  using Group = std::vector<const SelectionNode*>;

  void Fail(std::string message, Location location) {
    if (!failure_) {
      failure_ = Error{.message = std::move(message),
                       .locations = {location},
                       .path = {},
                       .code = kValidationFailed};
    }
  }

  bool Condition(const DirectiveNode& directive) const {
    for (const ArgumentNode& argument : directive.arguments) {
      const Value* value = &argument.value;
      if (const auto* variable = value->As<Value::Variable>()) {
        auto found = input_.variables.find(variable->name);
        value = found == input_.variables.end() ? nullptr : &found->second;
      }
      const bool* condition = value == nullptr ? nullptr : value->As<bool>();
      return condition != nullptr && *condition;
    }
    return false;
  }

  bool Included(const SelectionNode& node) const {
    return std::all_of(node.directives.begin(), node.directives.end(),
                       [this](const DirectiveNode& directive) {
                         return Condition(directive) == (directive.name == "include");
                       });
  }

  // Each visited node counts, so that fragments that multiply each other end early.
  bool Count(const SelectionNode& node) {
    if (++visited_ > input_.max_fields) {
      Fail(fmt::format("The operation selects more than {} fields.", input_.max_fields),
           node.location);
    }
    return !failure_;
  }

  void Collect(const std::vector<SelectionNode>& selections, std::vector<Group>& groups,
               std::unordered_map<std::string_view, size_t>& by_key) {
    for (const SelectionNode& node : selections) {
      if (!Count(node)) {
        return;
      }
      if (!Included(node)) {
        continue;
      }
      if (node.kind == SelectionNode::Kind::kInlineFragment) {
        Collect(node.selections, groups, by_key);
      } else if (node.kind == SelectionNode::Kind::kSpread) {
        Collect(input_.document.FindFragment(node.name)->selections, groups, by_key);
      } else {
        auto [known, added] = by_key.try_emplace(node.ResponseKey(), groups.size());
        if (added) {
          groups.emplace_back();
        }
        groups[known->second].push_back(&node);
      }
    }
  }

  static std::string PrintArguments(const SelectionNode& node) {
    std::vector<std::string> texts;
    for (const ArgumentNode& argument : node.arguments) {
      texts.push_back(argument.name + ": " + PrintValue(argument.value));
    }
    std::sort(texts.begin(), texts.end());
    return fmt::format("{}", fmt::join(texts, ", "));
  }

  // FieldsInSetCanMerge of the specification, for fields of one object type.
  void CheckMergeable(const Group& group) {
    const SelectionNode& first = *group.front();
    // A fragment that is spread again brings the same nodes again.
    std::unordered_set<const SelectionNode*> seen = {&first};
    std::string first_arguments = group.size() > 1 ? PrintArguments(first) : "";
    for (const SelectionNode* other : group) {
      if (!seen.insert(other).second) {
        continue;
      }
      std::string reason;
      if (other->name != first.name) {
        reason = fmt::format("\"{}\" and \"{}\" are different fields", first.name, other->name);
      } else if (PrintArguments(*other) != first_arguments) {
        reason = "they have differing arguments";
      } else {
        continue;
      }
      Fail(fmt::format("Fields \"{}\" conflict because {}. Use different aliases on the fields to "
                       "fetch both if this was intentional.",
                       first.ResponseKey(), reason),
           other->location);
      return;
    }
  }

  Arguments CoerceArguments(const Field& field, const SelectionNode& node) {
    Value::Object values;
    for (const InputField& wanted : field.arguments) {
      auto given =
          std::find_if(node.arguments.begin(), node.arguments.end(),
                       [&](const ArgumentNode& argument) { return argument.name == wanted.name; });
      std::optional<Value> value =
          given == node.arguments.end()
              ? std::nullopt
              : CoerceLiteral(*wanted.type, given->value, input_.variables);
      if (!value) {
        value = wanted.default_value;
      }
      // A variable by itself was checked against its own type, which is no weaker inside.
      bool is_variable =
          given != node.arguments.end() && given->value.As<Value::Variable>() != nullptr;
      bool is_null = !value || value->IsNull();
      if (is_null ? wanted.type->IsNonNull()
                  : !is_variable && HasForbiddenNull(*wanted.type, *value)) {
        Fail(fmt::format("Argument \"{}\" of required type \"{}\" was provided a null value.",
                         wanted.name, wanted.type->ToString()),
             node.location);
      }
      if (value) {
        values.emplace_back(wanted.name, *std::move(value));
      }
    }
    return Arguments(std::move(values));
  }

  std::unique_ptr<SelectionPlan> Finish(const Type& type, const std::vector<Group>& groups) {
    auto plan = std::make_unique<SelectionPlan>();
    for (const Group& group : groups) {
      CheckMergeable(group);
      if (failure_) {
        return plan;
      }
      const SelectionNode& node = *group.front();
      PlannedField planned;
      planned.field = FindFieldOf(type, node.name);
      planned.response_key = node.ResponseKey();
      AppendJsonString(planned.key_json, planned.response_key);
      planned.key_json += ':';
      if (node.name == "__typename") {
        AppendJsonString(planned.type_name_json, type.name);
      }
      planned.arguments = CoerceArguments(*planned.field, node);
      const Type& named = planned.field->type->Named();
      if (!named.IsLeaf()) {
        bool multiplies = MultipliesTypes(type, node);
        type_lists_ += multiplies ? 1 : 0;
        if (type_lists_ > kMaxTypeLists) {
          Fail("Introspection is nested too deeply.", node.location);
        }
        planned.selection = Plan(named, group);
        type_lists_ -= multiplies ? 1 : 0;
      }
      plan->fields.push_back(std::move(planned));
    }
    return plan;
  }

  // Lists of the schema that lead back to types: each level multiplies the response by the size of
  // the schema.
  static bool MultipliesTypes(const Type& type, const SelectionNode& node) {
    return type.name == "__Type" && (node.name == "fields" || node.name == "inputFields");
  }

  static constexpr size_t kMaxTypeLists = 2;

  const PlanInput& input_;
  size_t visited_ = 0;
  size_t type_lists_ = 0;
  std::optional<Error> failure_;
};

}  // namespace

std::variant<std::unique_ptr<SelectionPlan>, Error> MakePlan(
    const PlanInput& input, const Type& root, const std::vector<SelectionNode>& selections) {
  Planner planner(input);
  std::unique_ptr<SelectionPlan> plan = planner.PlanRoot(root, selections);
  if (planner.Failure()) {
    return *planner.Failure();
  }
  return plan;
}

}  // namespace network_mapper::graphql
