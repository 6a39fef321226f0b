#include "common/graphql/coercion.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

namespace network_mapper::graphql {

namespace {

bool EqualIgnoringCase(std::string_view a, std::string_view b) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

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

// Converts JSON variables; the first misfit stops it.
class VariableCoercer {
 public:
  explicit VariableCoercer(std::string name) {
    path_ = {PathPart("variable"), PathPart(std::move(name))};
  }

  std::optional<Value> Coerce(const Type& type, const Value& given) {
    if (given.IsNull()) {
      return type.IsNonNull() ? Fail("cannot be null") : std::optional<Value>(Value());
    }
    switch (type.kind) {
      case TypeKind::kNonNull:
        return Coerce(*type.of_type, given);
      case TypeKind::kList:
        return CoerceList(type, given);
      case TypeKind::kInputObject:
        return CoerceObject(type, given);
      case TypeKind::kEnum:
        return CoerceEnum(type, given);
      default:
        return CoerceScalar(type, given);
    }
  }

  std::optional<Value> Fail(std::string message) {
    error_ = {
        .message = std::move(message), .locations = {}, .path = path_, .code = kValidationFailed};
    return std::nullopt;
  }

  const Error& Failure() const { return error_; }

 private:
  static std::string_view KindOf(const Value& value) {
    if (value.As<bool>() != nullptr) {
      return "bool";
    }
    if (value.As<int64_t>() != nullptr) {
      return "int64";
    }
    if (value.As<double>() != nullptr) {
      return "float64";
    }
    if (value.As<std::string>() != nullptr) {
      return "string";
    }
    return value.As<Value::List>() != nullptr ? "slice" : "map";
  }

  std::optional<Value> FailKind(const Type& type, const Value& given) {
    return Fail(fmt::format("cannot use {} as {}", KindOf(given), type.name));
  }

  std::optional<Value> CoerceList(const Type& type, const Value& given) {
    Value::List result;
    const auto* list = given.As<Value::List>();
    if (list == nullptr) {
      std::optional<Value> only = Coerce(*type.of_type, given);
      if (!only) {
        return std::nullopt;
      }
      result.push_back(*std::move(only));
      return Value(std::move(result));
    }
    for (size_t i = 0; i < list->size(); ++i) {
      path_.emplace_back(i);
      std::optional<Value> item = Coerce(*type.of_type, (*list)[i]);
      if (!item) {
        return std::nullopt;
      }
      path_.pop_back();
      result.push_back(*std::move(item));
    }
    return Value(std::move(result));
  }

  std::optional<Value> CoerceObject(const Type& type, const Value& given) {
    const auto* object = given.As<Value::Object>();
    if (object == nullptr) {
      return Fail(fmt::format("must be a {}", type.name));
    }
    for (const auto& [name, value] : *object) {
      if (type.FindInputField(name) == nullptr) {
        path_.emplace_back(name);
        return Fail("unknown field");
      }
    }
    Value::Object result;
    for (const InputField& field : type.input_fields) {
      path_.emplace_back(field.name);
      auto found = std::find_if(object->begin(), object->end(),
                                [&](const auto& item) { return item.first == field.name; });
      if (found == object->end()) {
        if (field.default_value) {
          result.emplace_back(field.name, *field.default_value);
        } else if (field.type->IsNonNull()) {
          return Fail("must be defined");
        }
      } else {
        std::optional<Value> value = Coerce(*field.type, found->second);
        if (!value) {
          return std::nullopt;
        }
        result.emplace_back(field.name, *std::move(value));
      }
      path_.pop_back();
    }
    return Value(std::move(result));
  }

  // A name in the wrong letter case passes, as in the original, and is for the resolver to refuse.
  std::optional<Value> CoerceEnum(const Type& type, const Value& given) {
    const auto* name = given.As<std::string>();
    if (name == nullptr) {
      return Fail("enums must be ints or strings");
    }
    bool known = std::any_of(type.values.begin(), type.values.end(), [&](const EnumValue& value) {
      return EqualIgnoringCase(value.name, *name);
    });
    return known ? std::optional<Value>(Value(Value::Enum{*name}))
                 : Fail(fmt::format("{} is not a valid {}", *name, type.name));
  }

  std::optional<Value> CoerceScalar(const Type& type, const Value& given) {
    if (type.name == "Int") {
      return CoerceInt(type, given);
    }
    if (type.name == "Float") {
      if (const auto* integer = given.As<int64_t>()) {
        return Value(static_cast<double>(*integer));
      }
      return given.As<double>() != nullptr ? std::optional<Value>(given) : FailKind(type, given);
    }
    if (type.name == "Boolean") {
      return given.As<bool>() != nullptr ? std::optional<Value>(given) : FailKind(type, given);
    }
    if (type.name == "String") {
      return given.As<std::string>() != nullptr ? std::optional<Value>(given)
                                                : FailKind(type, given);
    }
    if (type.name == "ID") {
      bool fits = given.As<std::string>() != nullptr || given.As<int64_t>() != nullptr;
      return fits ? std::optional<Value>(given) : FailKind(type, given);
    }
    bool composite = given.As<Value::List>() != nullptr || given.As<Value::Object>() != nullptr;
    return composite ? FailKind(type, given) : std::optional<Value>(given);
  }

  // A JSON string that holds a whole number is one, too.
  std::optional<Value> CoerceInt(const Type& type, const Value& given) {
    if (given.As<int64_t>() != nullptr) {
      return given;
    }
    if (const auto* text = given.As<std::string>()) {
      int64_t integer = 0;
      auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), integer);
      if (error == std::errc() && end == text->data() + text->size() && !text->empty()) {
        return Value(integer);
      }
    }
    return FailKind(type, given);
  }

  std::vector<PathPart> path_;
  Error error_;
};

}  // namespace

const Type* ResolveTypeNode(const Schema& schema, const TypeNode& node, TypeArena& arena) {
  const Type* type = schema.FindType(node.name);
  if (type == nullptr || !type->IsInput()) {
    return nullptr;
  }
  for (TypeNode::Wrapper wrapper : node.wrappers) {
    Type& wrapped = arena.emplace_back();
    wrapped.kind = wrapper == TypeNode::Wrapper::kList ? TypeKind::kList : TypeKind::kNonNull;
    wrapped.of_type = type;
    type = &wrapped;
  }
  return type;
}

std::string PrintTypeNode(const TypeNode& node) {
  std::string text = node.name;
  for (TypeNode::Wrapper wrapper : node.wrappers) {
    text =
        wrapper == TypeNode::Wrapper::kList ? fmt::format("[{}]", text) : fmt::format("{}!", text);
  }
  return text;
}

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

std::variant<Variables, Error> CoerceVariables(const Schema& schema, const OperationNode& operation,
                                               const Value& given) {
  Variables variables;
  TypeArena arena;
  const auto* object = given.As<Value::Object>();
  for (const VariableNode& node : operation.variables) {
    VariableCoercer coercer(node.name);
    const Type* type = ResolveTypeNode(schema, node.type, arena);
    const Value* value = nullptr;
    if (object != nullptr) {
      auto found = std::find_if(object->begin(), object->end(),
                                [&](const auto& item) { return item.first == node.name; });
      value = found == object->end() ? nullptr : &found->second;
    }
    if (value == nullptr) {
      if (node.default_value) {
        variables.emplace(node.name, *CoerceLiteral(*type, *node.default_value, {}));
      } else if (type->IsNonNull()) {
        coercer.Fail("must be defined");
        return coercer.Failure();
      }
      continue;
    }
    std::optional<Value> coerced = coercer.Coerce(*type, *value);
    if (!coerced) {
      return coercer.Failure();
    }
    variables.emplace(node.name, *std::move(coerced));
  }
  return variables;
}

std::optional<Value> CoerceLiteral(const Type& type, const Value& literal,
                                   const Variables& variables) {
  if (const auto* variable = literal.As<Value::Variable>()) {
    auto found = variables.find(variable->name);
    return found == variables.end() ? std::nullopt : std::optional<Value>(found->second);
  }
  if (literal.IsNull()) {
    return Value();
  }
  const Type& nullable = type.IsNonNull() ? *type.of_type : type;
  if (nullable.kind == TypeKind::kList) {
    Value::List result;
    const auto* list = literal.As<Value::List>();
    if (list == nullptr) {
      result.push_back(CoerceLiteral(*nullable.of_type, literal, variables).value_or(Value()));
      return Value(std::move(result));
    }
    for (const Value& item : *list) {
      result.push_back(CoerceLiteral(*nullable.of_type, item, variables).value_or(Value()));
    }
    return Value(std::move(result));
  }
  if (nullable.kind != TypeKind::kInputObject) {
    return literal;
  }
  Value::Object result;
  const auto& object = *literal.As<Value::Object>();
  for (const InputField& field : nullable.input_fields) {
    auto found = std::find_if(object.begin(), object.end(),
                              [&](const auto& item) { return item.first == field.name; });
    std::optional<Value> value =
        found == object.end() ? std::nullopt : CoerceLiteral(*field.type, found->second, variables);
    if (!value) {
      value = field.default_value;
    }
    if (value) {
      result.emplace_back(field.name, *std::move(value));
    }
  }
  return Value(std::move(result));
}

bool HasForbiddenNull(const Type& type, const Value& coerced) {
  if (coerced.IsNull()) {
    return type.IsNonNull();
  }
  const Type& nullable = type.IsNonNull() ? *type.of_type : type;
  if (const auto* list = coerced.As<Value::List>();
      list != nullptr && nullable.of_type != nullptr) {
    return std::any_of(list->begin(), list->end(), [&](const Value& item) {
      return HasForbiddenNull(*nullable.of_type, item);
    });
  }
  if (nullable.kind != TypeKind::kInputObject) {
    return false;
  }
  return std::any_of(
      nullable.input_fields.begin(), nullable.input_fields.end(), [&](const InputField& field) {
        const Value* value = coerced.Field(field.name);
        return value == nullptr ? field.type->IsNonNull() : HasForbiddenNull(*field.type, *value);
      });
}

}  // namespace network_mapper::graphql
