// Texts made of ClientIntents: the list for people, and the YAML and JSON documents for kubectl.
#pragma once

#include <string>
#include <vector>

#include "cli/client_intents.h"

namespace network_mapper::cli {

// Lines for `list`, each ended by a newline.
std::string ListText(const std::vector<ClientIntents>& clients);

enum class DocumentVersion { kV1Alpha3, kV2Beta1 };

// YAML documents joined by "\n---\n", without a newline at the end. Values that YAML would read as
// something else are quoted; all others stay plain.
std::string YamlDocuments(const std::vector<ClientIntents>& clients, DocumentVersion version);

// A JSON array of v2beta1 resources, indented by two spaces, without a newline at the end.
std::string JsonDocuments(const std::vector<ClientIntents>& clients);

}  // namespace network_mapper::cli
