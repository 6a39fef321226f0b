#include "common/kube/json_member.h"

#include <nlohmann/json.hpp>

namespace network_mapper::kube {

const nlohmann::json& Member(const nlohmann::json& object, std::string_view key) {
  static const nlohmann::json null;
  if (!object.is_object()) {
    return null;
  }
  const auto found = object.find(key);
  return found == object.end() ? null : *found;
}

std::string StringMember(const nlohmann::json& object, std::string_view key) {
  const nlohmann::json& member = Member(object, key);
  return member.is_string() ? member.get<std::string>() : std::string();
}

}  // namespace network_mapper::kube
