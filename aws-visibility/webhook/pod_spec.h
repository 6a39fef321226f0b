// A pod as the patch looks at it: JSON from outside, so that every look may find something else
// than expected. Only for .cc files.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/status/status.h"

namespace network_mapper::aws {

using Json = nlohmann::json;

// Of the array `member`; empty when it is absent or null. InvalidArgument when it is anything else,
// or an element is no object.
StatusOr<std::vector<const Json*>> ObjectsOf(const Json& object, const char* member);
// The same for texts.
StatusOr<std::vector<std::string>> TextsOf(const Json& object, const char* member);
// The object `member`; null when it is absent, null or no object.
const Json* ObjectOf(const Json& object, const char* member);
// The text `member`; empty when it is absent or no text.
std::string_view TextOf(const Json& object, const char* member);
bool IsTrue(const Json& object, const char* member);
// Whether `member` is there and not null.
bool Has(const Json& object, const char* member);

// The patch as it grows.
class JsonPatch {
 public:
  // `path`: JSON Pointer.
  void Add(std::string path, Json value) { Put("add", std::move(path), std::move(value)); }

  void Replace(std::string path, Json value) { Put("replace", std::move(path), std::move(value)); }

  // Appends `values` to the array `path`, which is made when it is not `there`.
  void Append(const std::string& path, bool there, std::vector<Json> values);

  bool IsEmpty() const { return operations_.empty(); }

  std::string Render() const {
    return operations_.dump(-1, ' ', false, Json::error_handler_t::replace);
  }

 private:
  void Put(const char* operation, std::string path, Json value);

  Json operations_ = Json::array();
};

}  // namespace network_mapper::aws
