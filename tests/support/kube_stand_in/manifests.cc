#include "tests/support/kube_stand_in/manifests.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>
#include <system_error>

#include <nlohmann/json.hpp>
#include <yaml-cpp/yaml.h>

namespace network_mapper::stand_in {

namespace {

using nlohmann::json;

json ScalarToJson(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  // yaml-cpp tags quoted and block scalars "!".
  if (node.Tag() == "!") {
    return text;
  }
  if (text == "true" || text == "false") {
    return text == "true";
  }
  if (text.empty() || text == "~" || text == "null") {
    return nullptr;
  }
  const char* end = text.data() + text.size();
  int64_t integer = 0;
  if (const auto parsed = std::from_chars(text.data(), end, integer);
      parsed.ec == std::errc() && parsed.ptr == end) {
    return integer;
  }
  double number = 0;
  if (const auto parsed = std::from_chars(text.data(), end, number);
      parsed.ec == std::errc() && parsed.ptr == end) {
    return number;
  }
  return text;
}

json ToJson(const YAML::Node& node) {
  if (node.IsSequence()) {
    json array = json::array();
    for (const YAML::Node& item : node) {
      array.push_back(ToJson(item));
    }
    return array;
  }
  if (node.IsMap()) {
    json object = json::object();
    for (const auto& item : node) {
      object[item.first.Scalar()] = ToJson(item.second);
    }
    return object;
  }
  return node.IsScalar() ? ScalarToJson(node) : json(nullptr);
}

}  // namespace

StatusOr<std::vector<std::string>> ParseManifests(std::string_view text) {
  std::vector<std::string> documents;
  try {
    for (const YAML::Node& node : YAML::LoadAll(std::string(text))) {
      const json document = ToJson(node);
      if (!document.is_object()) {
        continue;
      }
      if (document.value("kind", "") == "List") {
        for (const json& item : document.at("items")) {
          documents.push_back(item.dump());
        }
      } else {
        documents.push_back(document.dump());
      }
    }
  } catch (const std::exception& error) {
    return InvalidArgument("manifest: {}", error.what());
  }
  return documents;
}

StatusOr<std::vector<std::string>> LoadManifests(const std::filesystem::path& path) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
      const std::string extension = entry.path().extension().string();
      if (extension == ".yaml" || extension == ".yml" || extension == ".json") {
        files.push_back(entry.path());
      }
    }
    std::sort(files.begin(), files.end());
  } else {
    files.push_back(path);
  }
  std::vector<std::string> documents;
  for (const auto& file : files) {
    std::ifstream input(file, std::ios::binary);
    if (!input) {
      return NotFound("cannot read {}", file.string());
    }
    std::ostringstream content;
    content << input.rdbuf();
    auto parsed = ParseManifests(content.str());
    if (!parsed.ok()) {
      return Annotate(parsed.status(), file.string());
    }
    documents.insert(documents.end(), parsed->begin(), parsed->end());
  }
  return documents;
}

}  // namespace network_mapper::stand_in
