#include "common/graphql/literal_check.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "common/graphql/error.h"

namespace network_mapper::graphql {

namespace {

std::vector<std::string> ValueNames(const Type& type) {
  std::vector<std::string> names;
  for (const EnumValue& value : type.values) {
    names.push_back(value.name);
  }
  return names;
}

std::vector<std::string> FieldNames(const Type& type) {
  std::vector<std::string> names;
  for (const InputField& field : type.input_fields) {
    names.push_back(field.name);
  }
  return names;
}

// The message when a literal is none of this scalar's; empty when it fits.
std::string ScalarProblem(const Type& type, const Value& literal) {
  std::string printed = PrintValue(literal);
  if (type.name == "Int") {
    return literal.As<int64_t>() != nullptr
               ? ""
               : fmt::format("Int cannot represent non-integer value: {}", printed);
  }
  if (type.name == "Float") {
    bool number = literal.As<int64_t>() != nullptr || literal.As<double>() != nullptr;
    return number ? "" : fmt::format("Float cannot represent non numeric value: {}", printed);
  }
  if (type.name == "String") {
    return literal.As<std::string>() != nullptr
               ? ""
               : fmt::format("String cannot represent a non string value: {}", printed);
  }
  if (type.name == "Boolean") {
    return literal.As<bool>() != nullptr
               ? ""
               : fmt::format("Boolean cannot represent a non boolean value: {}", printed);
  }
  if (type.name == "ID") {
    bool fits = literal.As<int64_t>() != nullptr || literal.As<std::string>() != nullptr;
    return fits
               ? ""
               : fmt::format("ID cannot represent a non-string and non-integer value: {}", printed);
  }
  bool composite = literal.As<Value::List>() != nullptr || literal.As<Value::Object>() != nullptr;
  return composite ? fmt::format("Expected value of type \"{}\", found {}.", type.name, printed)
                   : "";
}

std::string EnumProblem(const Type& type, const Value& literal) {
  const auto* name = literal.As<Value::Enum>();
  if (name == nullptr) {
    return fmt::format("Enum \"{}\" cannot represent non-enum value: {}.", type.name,
                       PrintValue(literal));
  }
  if (!type.HasValue(name->name)) {
    return fmt::format("Value \"{}\" does not exist in \"{}\" enum.{}", name->name, type.name,
                       DidYouMean(name->name, ValueNames(type)));
  }
  return "";
}

void CheckInputObject(const Type& type, const Value& literal,
                      const std::function<void(std::string)>& complain) {
  const auto* object = literal.As<Value::Object>();
  if (object == nullptr) {
    complain(
        fmt::format("Expected value of type \"{}\", found {}.", type.name, PrintValue(literal)));
    return;
  }
  for (size_t i = 0; i < object->size(); ++i) {
    const auto& [name, value] = (*object)[i];
    const InputField* field = type.FindInputField(name);
    if (field == nullptr) {
      complain(fmt::format("Field \"{}\" is not defined by type \"{}\".{}", name, type.name,
                           DidYouMean(name, FieldNames(type))));
      continue;
    }
    for (size_t j = 0; j < i; ++j) {
      if ((*object)[j].first == name) {
        complain(fmt::format("There can be only one input field named \"{}\".", name));
      }
    }
    CheckLiteral(*field->type, value, complain);
  }
  for (const InputField& field : type.input_fields) {
    bool given = std::any_of(object->begin(), object->end(),
                             [&](const auto& item) { return item.first == field.name; });
    if (!given && field.type->IsNonNull() && !field.default_value) {
      complain(fmt::format("Field \"{}.{}\" of required type \"{}\" was not provided.", type.name,
                           field.name, field.type->ToString()));
    }
  }
}

}  // namespace

void CheckLiteral(const Type& type, const Value& literal,
                  const std::function<void(std::string)>& complain) {
  if (literal.As<Value::Variable>() != nullptr) {
    return;
  }
  if (type.IsNonNull()) {
    if (literal.IsNull()) {
      complain(fmt::format("Expected value of type \"{}\", found null.", type.ToString()));
    } else {
      CheckLiteral(*type.of_type, literal, complain);
    }
    return;
  }
  if (literal.IsNull()) {
    return;
  }
  if (type.kind == TypeKind::kList) {
    if (const auto* list = literal.As<Value::List>()) {
      for (const Value& item : *list) {
        CheckLiteral(*type.of_type, item, complain);
      }
    } else {
      CheckLiteral(*type.of_type, literal, complain);
    }
    return;
  }
  if (type.kind == TypeKind::kInputObject) {
    CheckInputObject(type, literal, complain);
    return;
  }
  std::string problem =
      type.kind == TypeKind::kEnum ? EnumProblem(type, literal) : ScalarProblem(type, literal);
  if (!problem.empty()) {
    complain(std::move(problem));
  }
}

void VisitVariables(const Type* type, const Value& literal, bool has_default,
                    const std::function<void(const Value::Variable&, const Type*, bool)>& visit) {
  if (const auto* variable = literal.As<Value::Variable>()) {
    visit(*variable, type, has_default);
    return;
  }
  const Type* nullable = type != nullptr && type->IsNonNull() ? type->of_type : type;
  if (const auto* list = literal.As<Value::List>()) {
    const Type* inner =
        nullable != nullptr && nullable->kind == TypeKind::kList ? nullable->of_type : nullptr;
    for (const Value& item : *list) {
      VisitVariables(inner, item, false, visit);
    }
  } else if (const auto* object = literal.As<Value::Object>()) {
    for (const auto& [name, item] : *object) {
      const InputField* field =
          nullable == nullptr ? nullptr : nullable->Named().FindInputField(name);
      VisitVariables(field == nullptr ? nullptr : field->type, item,
                     field != nullptr && field->default_value, visit);
    }
  }
}

}  // namespace network_mapper::graphql
