// YAML and JSON manifests as people write them, turned into the JSON that the store takes.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "common/status/status.h"

namespace network_mapper::stand_in {

// The documents of a text, each as JSON; `kind: List` is taken apart, empty documents are left out.
StatusOr<std::vector<std::string>> ParseManifests(std::string_view text);
// A file, or every .yaml, .yml and .json file of a directory in the order of their names.
StatusOr<std::vector<std::string>> LoadManifests(const std::filesystem::path& path);

}  // namespace network_mapper::stand_in
