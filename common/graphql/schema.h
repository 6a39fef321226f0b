// Schema: the types that a GraphQL service offers and how its fields get their values. Built once
// in code, then immutable and shared by all requests. Knows no transport and no schema of ours.
#pragma once

#include <deque>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/graphql/value.h"
#include "common/status/status.h"

namespace network_mapper::graphql {

class Type;
class FieldWriter;

struct InputField {
  std::string name;
  const Type* type = nullptr;
  std::string description;
  std::optional<Value> default_value;
};

// Coerced arguments of one field of one request.
class Arguments {
 public:
  Arguments() = default;

  explicit Arguments(Value::Object values) : values_(Value(std::move(values))) {}

  // Null when the argument is absent or null.
  const Value* Find(std::string_view name) const { return values_.Field(name); }

  bool Bool(std::string_view name) const {
    const Value* value = Find(name);
    const bool* boolean = value == nullptr ? nullptr : value->As<bool>();
    return boolean != nullptr && *boolean;
  }

 private:
  Value values_;
};

// Writes the field's value through the writer; an error becomes an entry of "errors" with the
// field's path, and null. `source` is the object that the field belongs to.
using Resolver =
    std::function<Status(const void* source, const Arguments& arguments, FieldWriter& writer)>;

struct Field {
  std::string name;
  const Type* type = nullptr;
  std::vector<InputField> arguments;
  std::string description;
  // Empty: not deprecated.
  std::string deprecation_reason;
  Resolver resolve;
};

struct EnumValue {
  std::string name;
  std::string description;
};

enum class TypeKind { kScalar, kObject, kEnum, kInputObject, kList, kNonNull };

class Type {
 public:
  TypeKind kind = TypeKind::kScalar;
  // Empty for lists and non-null types.
  std::string name;
  std::string description;
  // kObject
  std::vector<Field> fields;
  // kInputObject
  std::vector<InputField> input_fields;
  // kEnum
  std::vector<EnumValue> values;
  // kList and kNonNull: what is inside.
  const Type* of_type = nullptr;

  const Field* FindField(std::string_view field_name) const;
  const InputField* FindInputField(std::string_view field_name) const;
  bool HasValue(std::string_view value_name) const;
  // The type inside all lists and non-nulls.
  const Type& Named() const;

  bool IsNonNull() const { return kind == TypeKind::kNonNull; }

  bool IsLeaf() const { return kind == TypeKind::kScalar || kind == TypeKind::kEnum; }

  bool IsInput() const;
  // "[Intent!]!".
  std::string ToString() const;
};

// Adds fields to an object type whose values are of the C++ type T.
template <typename T>
class ObjectBuilder {
 public:
  explicit ObjectBuilder(Type& type) : type_(type) {}

  // `write` takes (const T&, FieldWriter&).
  template <typename F>
  ObjectBuilder& Add(std::string name, const Type* type, std::string description, F write) {
    return AddWithArguments(
        std::move(name), type, {}, std::move(description),
        [write](const T& source, const Arguments&, FieldWriter& writer) -> Status {
          write(source, writer);
          return OkStatus();
        });
  }

  // `resolve` takes (const T&, const Arguments&, FieldWriter&) and returns a Status.
  template <typename F>
  ObjectBuilder& AddWithArguments(std::string name, const Type* type,
                                  std::vector<InputField> arguments, std::string description,
                                  F resolve) {
    Field field;
    field.name = std::move(name);
    field.type = type;
    field.arguments = std::move(arguments);
    field.description = std::move(description);
    field.resolve = [resolve](const void* source, const Arguments& given,
                              FieldWriter& writer) -> Status {
      return resolve(*static_cast<const T*>(source), given, writer);
    };
    type_.fields.push_back(std::move(field));
    return *this;
  }

  const Type* Get() const { return &type_; }

 private:
  Type& type_;
};

// Owns its types; references into it stay valid as long as it lives. Not movable: types refer to
// each other.
class Schema {
 public:
  // Has the scalars Int (64 bits), Float, String, Boolean and ID.
  Schema();
  Schema(const Schema&) = delete;
  Schema& operator=(const Schema&) = delete;

  const Type* Int() const { return int_; }

  const Type* Float() const { return float_; }

  const Type* String() const { return string_; }

  const Type* Boolean() const { return boolean_; }

  const Type* Id() const { return id_; }

  const Type* NonNull(const Type* type);
  const Type* ListOf(const Type* type);

  // A custom scalar takes any input that is no list or object; its resolver judges it.
  const Type* AddScalar(std::string name, std::string description);
  const Type* AddEnum(std::string name, std::string description,
                      std::initializer_list<std::string_view> values);
  const Type* AddInput(std::string name, std::string description, std::vector<InputField> fields);

  template <typename T>
  ObjectBuilder<T> AddObject(std::string name, std::string description) {
    return ObjectBuilder<T>(AddType(TypeKind::kObject, std::move(name), std::move(description)));
  }

  void SetQuery(const Type* type) { query_ = type; }

  void SetMutation(const Type* type) { mutation_ = type; }

  const Type* Query() const { return query_; }

  // Null when there is none.
  const Type* Mutation() const { return mutation_; }

  // Null when there is none; named types only, in the order in which they were added.
  const Type* FindType(std::string_view name) const;

  const std::deque<Type>& Types() const { return types_; }

 private:
  Type& AddType(TypeKind kind, std::string name, std::string description);
  const Type* Wrap(TypeKind kind, const Type* type);

  std::deque<Type> types_;
  const Type* int_ = nullptr;
  const Type* float_ = nullptr;
  const Type* string_ = nullptr;
  const Type* boolean_ = nullptr;
  const Type* id_ = nullptr;
  const Type* query_ = nullptr;
  const Type* mutation_ = nullptr;
};

}  // namespace network_mapper::graphql
