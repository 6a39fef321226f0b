// Members of JSON objects that another program wrote, which need not be what they should. Internal
// to this folder.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace network_mapper::kube {

// JSON's null when `object` is none or has no such member. Valid as long as `object`.
const nlohmann::json& Member(const nlohmann::json& object, std::string_view key);

// "" when there is no such member, or it is no text.
std::string StringMember(const nlohmann::json& object, std::string_view key);

}  // namespace network_mapper::kube
