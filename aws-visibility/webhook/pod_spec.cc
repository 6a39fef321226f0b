#include "aws-visibility/webhook/pod_spec.h"

#include <utility>

namespace network_mapper::aws {

namespace {

// Null when it is absent or null; an error when it is no array.
StatusOr<const Json*> ArrayOf(const Json& object, const char* member) {
  const auto found = object.find(member);
  if (found == object.end() || found->is_null()) {
    return nullptr;
  }
  if (!found->is_array()) {
    return InvalidArgument("{} is no list", member);
  }
  return &*found;
}

}  // namespace

StatusOr<std::vector<const Json*>> ObjectsOf(const Json& object, const char* member) {
  ASSIGN_OR_RETURN(const Json* array, ArrayOf(object, member));
  std::vector<const Json*> objects;
  if (array != nullptr) {
    for (const Json& element : *array) {
      if (!element.is_object()) {
        return InvalidArgument("{} has something that is no object", member);
      }
      objects.push_back(&element);
    }
  }
  return objects;
}

StatusOr<std::vector<std::string>> TextsOf(const Json& object, const char* member) {
  ASSIGN_OR_RETURN(const Json* array, ArrayOf(object, member));
  std::vector<std::string> texts;
  if (array != nullptr) {
    for (const Json& element : *array) {
      if (!element.is_string()) {
        return InvalidArgument("{} has something that is no text", member);
      }
      texts.push_back(element.get<std::string>());
    }
  }
  return texts;
}

const Json* ObjectOf(const Json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_object() ? &*found : nullptr;
}

std::string_view TextOf(const Json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_string()
             ? std::string_view(found->get_ref<const std::string&>())
             : std::string_view();
}

bool IsTrue(const Json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

bool Has(const Json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && !found->is_null();
}

void JsonPatch::Append(const std::string& path, bool there, std::vector<Json> values) {
  if (values.empty()) {
    return;
  }
  if (!there) {
    Add(path, Json(std::move(values)));
    return;
  }
  for (Json& value : values) {
    Add(path + "/-", std::move(value));
  }
}

void JsonPatch::Put(const char* operation, std::string path, Json value) {
  operations_.push_back(
      {{"op", operation}, {"path", std::move(path)}, {"value", std::move(value)}});
}

}  // namespace network_mapper::aws
