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
