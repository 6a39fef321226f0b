// Reads ClientIntents documents, as `export` writes them: YAML or JSON, version v1alpha3 or
// v2beta1.
#pragma once

#include <string>
#include <vector>

#include "cli/client_intents.h"
#include "common/status/status.h"

namespace network_mapper::cli {

// Pure. An empty text is an empty map. InvalidArgument for what is
// neither YAML nor JSON, and for documents that are no ClientIntents.
StatusOr<std::vector<ClientIntents>> ParseClientIntents(const std::string& text);

// A file, or all .yaml, .yml and .json files of a directory.
StatusOr<std::vector<ClientIntents>> ReadClientIntents(const std::string& path);

}  // namespace network_mapper::cli
