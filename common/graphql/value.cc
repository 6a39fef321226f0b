#include "common/graphql/value.h"

#include <limits>
#include <unordered_map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace network_mapper::graphql {

namespace {

using Json = nlohmann::json;

// Builds values from the events of the parser, without a document in between.
class ValueBuilder final : public nlohmann::json_sax<Json> {
 public:
  explicit ValueBuilder(const JsonLimits& limits) : limits_(limits) {}

  bool null() override { return Add(Value()); }

  bool boolean(bool value) override { return Add(Value(value)); }

  bool number_integer(number_integer_t value) override { return Add(Value(value)); }

  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<number_unsigned_t>(std::numeric_limits<int64_t>::max())) {
      return Add(Value(static_cast<double>(value)));
    }
    return Add(Value(static_cast<int64_t>(value)));
  }

  bool number_float(number_float_t value, const string_t& /*text*/) override {
    return Add(Value(value));
  }

  bool string(string_t& value) override { return Add(Value(std::move(value))); }

  bool binary(binary_t& /*value*/) override { return Refuse("binary values are not JSON"); }

  bool start_object(std::size_t /*size*/) override { return Open(true); }

  bool start_array(std::size_t /*size*/) override { return Open(false); }

  bool key(string_t& value) override {
    open_.back().object.emplace_back(std::move(value), Value());
    return true;
  }

  bool end_object() override {
    Value::Object object = std::move(open_.back().object);
    open_.pop_back();
    KeepLastOfRepeatedKeys(object);
    return Add(Value(std::move(object)));
  }

  bool end_array() override {
    Value::List list = std::move(open_.back().list);
    open_.pop_back();
    return Add(Value(std::move(list)));
  }

  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*exception*/) override {
    return Refuse(fmt::format("not valid JSON at byte {}", position));
  }

  StatusOr<Value> Finish(bool parsed) && {
    if (!parsed) {
      return InvalidArgument("{}", problem_);
    }
    return std::move(result_);
  }

 private:
  struct Level {
    bool is_object = false;
    Value::List list;
    Value::Object object;
  };

  bool Refuse(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }

  bool Open(bool is_object) {
    if (open_.size() >= limits_.depth) {
      return Refuse("the JSON value is nested too deeply");
    }
    open_.push_back({.is_object = is_object, .list = {}, .object = {}});
    return true;
  }

  bool Add(Value value) {
    if (++count_ > limits_.values) {
      return Refuse("the JSON value has too many parts");
    }
    if (open_.empty()) {
      result_ = std::move(value);
    } else if (open_.back().is_object) {
      open_.back().object.back().second = std::move(value);
    } else {
      open_.back().list.push_back(std::move(value));
    }
    return true;
  }

  static void KeepLastOfRepeatedKeys(Value::Object& object) {
    std::unordered_map<std::string_view, size_t> last;
    for (size_t i = 0; i < object.size(); ++i) {
      last[object[i].first] = i;
    }
    if (last.size() == object.size()) {
      return;
    }
    Value::Object kept;
    for (size_t i = 0; i < object.size(); ++i) {
      if (last[object[i].first] == i) {
        kept.push_back(object[i]);
      }
    }
    object = std::move(kept);
  }

  const JsonLimits& limits_;
  std::vector<Level> open_;
  Value result_;
  size_t count_ = 0;
  std::string problem_;
};

StatusOr<Value> Build(std::string_view json, const JsonLimits& limits, bool whole) {
  ValueBuilder builder(limits);
  bool parsed =
      Json::sax_parse(json.begin(), json.end(), &builder, Json::input_format_t::json, whole);
  return std::move(builder).Finish(parsed);
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

StatusOr<Value> ValueFromJson(std::string_view json, const JsonLimits& limits) {
  return Build(json, limits, true);
}

StatusOr<Value> FirstValueFromJson(std::string_view json, const JsonLimits& limits) {
  return Build(json, limits, false);
}

}  // namespace network_mapper::graphql
