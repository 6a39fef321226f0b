// The picture of the map: a Graphviz document of ClientIntents, and its rendering. Namespaces are
// clusters, workloads are nodes, intents are edges coloured by what is known of them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/client_intents.h"
#include "common/status/status.h"

namespace network_mapper::cli {

// The document in Graphviz's DOT language. Deterministic.
std::string DotDocument(const std::vector<ClientIntents>& clients);

// Lays `dot` out and renders it. `format` is "svg", "png", "jpg" or "dot" (then with positions left
// out, as given).
StatusOr<std::string> RenderPicture(const std::string& dot, std::string_view format);

}  // namespace network_mapper::cli
