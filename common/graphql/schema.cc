#include "common/graphql/schema.h"

#include <algorithm>
#include <utility>

namespace network_mapper::graphql {

namespace {

template <typename Items>
auto FindByName(const Items& items, std::string_view name) -> decltype(items.data()) {
  auto found = std::find_if(items.begin(), items.end(),
                            [name](const auto& item) { return item.name == name; });
  return found == items.end() ? nullptr : &*found;
}

}  // namespace

const Field* Type::FindField(std::string_view field_name) const {
  return FindByName(fields, field_name);
}

const InputField* Type::FindInputField(std::string_view field_name) const {
  return FindByName(input_fields, field_name);
}

bool Type::HasValue(std::string_view value_name) const {
  return FindByName(values, value_name) != nullptr;
}

const Type& Type::Named() const {
  const Type* type = this;
  while (type->of_type != nullptr) {
    type = type->of_type;
  }
  return *type;
}

bool Type::IsInput() const {
  return Named().kind != TypeKind::kObject;
}

std::string Type::ToString() const {
  if (kind == TypeKind::kList) {
    return "[" + of_type->ToString() + "]";
  }
  if (kind == TypeKind::kNonNull) {
    return of_type->ToString() + "!";
  }
  return name;
}

Schema::Schema()
    : int_(AddScalar("Int", "A whole number of 64 bits.")),
      float_(AddScalar("Float", "A number.")),
      string_(AddScalar("String", "A text in UTF-8.")),
      boolean_(AddScalar("Boolean", "true or false.")),
      id_(AddScalar("ID", "An identifier, not meant to be read by people.")) {}

Type& Schema::AddType(TypeKind kind, std::string name, std::string description) {
  Type& type = types_.emplace_back();
  type.kind = kind;
  type.name = std::move(name);
  type.description = std::move(description);
  return type;
}

const Type* Schema::Wrap(TypeKind kind, const Type* type) {
  for (const Type& known : types_) {
    if (known.kind == kind && known.of_type == type) {
      return &known;
    }
  }
  Type& wrapper = AddType(kind, "", "");
  wrapper.of_type = type;
  return &wrapper;
}

const Type* Schema::NonNull(const Type* type) {
  return Wrap(TypeKind::kNonNull, type);
}

const Type* Schema::ListOf(const Type* type) {
  return Wrap(TypeKind::kList, type);
}

const Type* Schema::AddScalar(std::string name, std::string description) {
  return &AddType(TypeKind::kScalar, std::move(name), std::move(description));
}

const Type* Schema::AddEnum(std::string name, std::string description,
                            std::initializer_list<std::string_view> values) {
  Type& type = AddType(TypeKind::kEnum, std::move(name), std::move(description));
  for (std::string_view value : values) {
    type.values.push_back({.name = std::string(value), .description = ""});
  }
  return &type;
}

const Type* Schema::AddInput(std::string name, std::string description,
                             std::vector<InputField> fields) {
  Type& type = AddType(TypeKind::kInputObject, std::move(name), std::move(description));
  type.input_fields = std::move(fields);
  return &type;
}

const Type* Schema::FindType(std::string_view name) const {
  for (const Type& type : types_) {
    if (type.of_type == nullptr && type.name == name) {
      return &type;
    }
  }
  return nullptr;
}

}  // namespace network_mapper::graphql
