#include "common/graphql/value.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace network_mapper::graphql {

namespace {

using Json = nlohmann::json;

StatusOr<Value> FromJson(const Json& json, size_t depth_left) {
  if (depth_left == 0) {
    return InvalidArgument("the JSON value is nested too deeply");
  }
  switch (json.type()) {
    case Json::value_t::boolean:
      return Value(json.get<bool>());
    case Json::value_t::number_integer:
      return Value(json.get<int64_t>());
    case Json::value_t::number_unsigned:
      if (json.get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
        return Value(json.get<double>());
      }
      return Value(json.get<int64_t>());
    case Json::value_t::number_float:
      return Value(json.get<double>());
    case Json::value_t::string:
      return Value(json.get<std::string>());
    case Json::value_t::array: {
      Value::List list;
      for (const Json& item : json) {
        ASSIGN_OR_RETURN(Value value, FromJson(item, depth_left - 1));
        list.push_back(std::move(value));
      }
      return Value(std::move(list));
    }
    case Json::value_t::object: {
      Value::Object object;
      for (const auto& [key, item] : json.items()) {
        ASSIGN_OR_RETURN(Value value, FromJson(item, depth_left - 1));
        object.emplace_back(key, std::move(value));
      }
      return Value(std::move(object));
    }
    default:
      return Value();
  }
}

struct Printer {
  std::string operator()(std::monostate) const { return "null"; }

  std::string operator()(bool value) const { return value ? "true" : "false"; }

  std::string operator()(int64_t value) const { return fmt::format("{}", value); }

  std::string operator()(double value) const { return fmt::format("{}", value); }

  std::string operator()(const std::string& value) const {
    return Json(value).dump(-1, ' ', false, Json::error_handler_t::replace);
  }

  std::string operator()(const Value::Enum& value) const { return value.name; }

  std::string operator()(const Value::Variable& value) const { return "$" + value.name; }

  std::string operator()(const Value::List& list) const {
    std::string text;
    for (const Value& item : list) {
      text += (text.empty() ? "" : ", ") + PrintValue(item);
    }
    return "[" + text + "]";
  }

  std::string operator()(const Value::Object& object) const {
    std::string text;
    for (const auto& [name, item] : object) {
      text += (text.empty() ? "" : ", ") + name + ": " + PrintValue(item);
    }
    return "{" + text + "}";
  }
};

}  // namespace

std::optional<std::string> Value::Text() const {
  if (const auto* text = As<std::string>()) {
    return *text;
  }
  if (const auto* name = As<Enum>()) {
    return name->name;
  }
  return std::nullopt;
}

std::vector<std::string> Value::Texts() const {
  std::vector<std::string> texts;
  if (const auto* list = As<List>()) {
    for (const Value& item : *list) {
      if (std::optional<std::string> text = item.Text()) {
        texts.push_back(*std::move(text));
      }
    }
  } else if (std::optional<std::string> text = Text()) {
    texts.push_back(*std::move(text));
  }
  return texts;
}

const Value* Value::Field(std::string_view name) const {
  if (const auto* object = As<Object>()) {
    for (const auto& [key, value] : *object) {
      if (key == name) {
        return value.IsNull() ? nullptr : &value;
      }
    }
  }
  return nullptr;
}

std::string PrintValue(const Value& value) {
  Printer printer;
  if (value.IsNull()) {
    return printer(std::monostate());
  }
  if (const auto* boolean = value.As<bool>()) {
    return printer(*boolean);
  }
  if (const auto* integer = value.As<int64_t>()) {
    return printer(*integer);
  }
  if (const auto* number = value.As<double>()) {
    return printer(*number);
  }
  if (const auto* text = value.As<std::string>()) {
    return printer(*text);
  }
  if (const auto* name = value.As<Value::Enum>()) {
    return printer(*name);
  }
  if (const auto* variable = value.As<Value::Variable>()) {
    return printer(*variable);
  }
  if (const auto* list = value.As<Value::List>()) {
    return printer(*list);
  }
  return printer(*value.As<Value::Object>());
}

StatusOr<Value> ValueFromJson(std::string_view json, size_t max_depth) {
  // The parser keeps its own stack, so that nesting costs memory in proportion to the text only.
  bool too_deep = false;
  auto guard = [&too_deep, max_depth](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > static_cast<int>(max_depth);
    return !too_deep;
  };
  Json parsed = Json::parse(json.begin(), json.end(), guard, false);
  if (too_deep) {
    return InvalidArgument("the JSON value is nested too deeply");
  }
  if (parsed.is_discarded()) {
    return InvalidArgument("not valid JSON");
  }
  return FromJson(parsed, max_depth + 1);
}

}  // namespace network_mapper::graphql
