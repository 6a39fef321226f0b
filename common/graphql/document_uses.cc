#include "common/graphql/document_uses.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace network_mapper::graphql {

namespace {

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

class UseChecker {
 public:
  UseChecker(const Document& document, const DocumentUses& uses, VariableTypes& types,
             ErrorList& errors)
      : document_(document), uses_(uses), types_(types), errors_(errors) {}

  void Run() {
    CheckFragmentCycles();
    for (const OperationNode& operation : document_.operations) {
      CheckVariableUses(operation);
    }
    CheckUnusedFragments();
  }

 private:
  // A fragment that is spread but not defined uses nothing.
  const Uses& FragmentUses(const std::string& name) const {
    static const Uses nothing;
    auto found = uses_.fragments.find(name);
    return found == uses_.fragments.end() ? nothing : found->second;
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
      errors_.Add(fmt::format("Cannot spread fragment \"{}\" within itself{}.", name, via),
                  document_.FindFragment(name)->location);
      return;
    }
    if (finished.contains(name) || errors_.Full()) {
      return;
    }
    path.push_back(name);
    for (const std::string& next : FragmentUses(name).fragments) {
      FindCycle(next, path, finished);
    }
    path.pop_back();
    finished.insert(name);
  }

  // All fragments that an operation reaches.
  Names Reachable(const OperationNode& operation) {
    Names reached;
    std::vector<std::string> open(uses_.operations.at(&operation).fragments.begin(),
                                  uses_.operations.at(&operation).fragments.end());
    while (!open.empty()) {
      std::string name = std::move(open.back());
      open.pop_back();
      if (reached.insert(name).second) {
        const Names& next = FragmentUses(name).fragments;
        open.insert(open.end(), next.begin(), next.end());
      }
    }
    return reached;
  }

  void CheckUse(const OperationNode& operation, const VariableUse& use, Names& used) {
    used.insert(use.name);
    if (errors_.Full()) {
      return;
    }
    auto variable = std::find_if(operation.variables.begin(), operation.variables.end(),
                                 [&](const VariableNode& node) { return node.name == use.name; });
    if (variable == operation.variables.end()) {
      errors_.Add(operation.name.empty()
                      ? fmt::format("Variable \"${}\" is not defined.", use.name)
                      : fmt::format("Variable \"${}\" is not defined by operation \"{}\".",
                                    use.name, operation.name),
                  use.location);
      return;
    }
    const Type* type = types_.Of(*variable);
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
      errors_.Add(
          fmt::format("Variable \"${}\" of type \"{}\" used in position expecting type \"{}\".",
                      use.name, PrintTypeNode(variable->type), use.position->ToString()),
          use.location);
    }
  }

  void CheckVariableUses(const OperationNode& operation) {
    Names used;
    for (const VariableUse& use : uses_.operations.at(&operation).variables) {
      CheckUse(operation, use, used);
    }
    for (const std::string& fragment : Reachable(operation)) {
      for (const VariableUse& use : FragmentUses(fragment).variables) {
        CheckUse(operation, use, used);
      }
    }
    for (const VariableNode& variable : operation.variables) {
      if (!used.contains(variable.name)) {
        errors_.Add(operation.name.empty()
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
        errors_.Add(fmt::format("Fragment \"{}\" is never used.", fragment.name),
                    fragment.location);
      }
    }
  }

  const Document& document_;
  const DocumentUses& uses_;
  VariableTypes& types_;
  ErrorList& errors_;
};

}  // namespace

void ErrorList::Add(std::string message, Location location) {
  if (!Full()) {
    errors_.push_back({.message = std::move(message),
                       .locations = {location},
                       .path = {},
                       .code = kValidationFailed});
  }
}

const Type* VariableTypes::Of(const VariableNode& variable) {
  auto [known, added] = types_.try_emplace(&variable, nullptr);
  if (added) {
    known->second = ResolveTypeNode(schema_, variable.type, arena_);
  }
  return known->second;
}

void CheckUses(const Document& document, const DocumentUses& uses, VariableTypes& types,
               ErrorList& errors) {
  UseChecker(document, uses, types, errors).Run();
}

}  // namespace network_mapper::graphql
