// Value: an input value of a GraphQL document or of its variables (GraphQL October 2021, 2.9). Also
// what resolvers get as arguments. Immutable; copies share lists and objects. Says nothing about
// types.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "common/status/status.h"

namespace network_mapper::graphql {

class Value {
 public:
  struct Enum {
    std::string name;
  };

  // "$name"; only inside documents, never in variables or arguments.
  struct Variable {
    std::string name;
  };

  using List = std::vector<Value>;
  // In the order of the text; names may repeat until validation has refused that.
  using Object = std::vector<std::pair<std::string, Value>>;

  Value() = default;

  template <typename T>
  explicit Value(T value) : data_(std::move(value)) {}

  explicit Value(List value) : data_(std::make_shared<const List>(std::move(value))) {}

  explicit Value(Object value) : data_(std::make_shared<const Object>(std::move(value))) {}

  bool IsNull() const { return std::holds_alternative<std::monostate>(data_); }

  // The alternative bool, int64_t, double, std::string, Enum, Variable, List or Object; null when
  // it is another.
  template <typename T>
  const T* As() const {
    if constexpr (std::is_same_v<T, List> || std::is_same_v<T, Object>) {
      const auto* shared = std::get_if<std::shared_ptr<const T>>(&data_);
      return shared == nullptr ? nullptr : shared->get();
    } else {
      return std::get_if<T>(&data_);
    }
  }

  // Texts of a list of strings or enum names, or of a single one; empty for null.
  std::vector<std::string> Texts() const;
  // The text of a string or the name of an enum value; absent for others.
  std::optional<std::string> Text() const;
  // A field of an object that is present and not null; null otherwise.
  const Value* Field(std::string_view name) const;

 private:
  std::variant<std::monostate, bool, int64_t, double, std::string, Enum, Variable,
               std::shared_ptr<const List>, std::shared_ptr<const Object>>
      data_;
};

// As a GraphQL literal, for messages and introspection: "[1, {a: RED}]".
std::string PrintValue(const Value& value);

struct JsonLimits {
  size_t depth = 64;
  // Scalars, lists and objects together: each costs many times its text.
  size_t values = 1'000'000;
};

// One JSON value. InvalidArgument when `json` is anything else, or exceeds the limits. Numbers
// without fraction and exponent that fit become int64_t; of a repeated key the last value counts.
StatusOr<Value> ValueFromJson(std::string_view json, const JsonLimits& limits = {});

// The same, whatever follows the value.
StatusOr<Value> FirstValueFromJson(std::string_view json, const JsonLimits& limits = {});

}  // namespace network_mapper::graphql
