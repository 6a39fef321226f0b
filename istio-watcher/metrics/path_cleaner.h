// Paths as clients sent them -> paths fit for a map: no query, no control characters, UTF-8,
// bounded. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>

#include "istio-watcher/metrics/series.h"

namespace network_mapper::istio {

// A part of `path`: up to the query. Empty for "unknown", which is what a proxy says when it could
// not tell.
std::variant<std::string_view, ResourceRefusal> CleanPath(std::string_view path, size_t max_bytes);

// Numbers, UUIDs and hexadecimal words of 16 digits and more that stand alone between slashes
// become "{id}". The result is `path` itself, or in `scratch`.
std::string_view FoldIds(std::string_view path, std::string& scratch);

}  // namespace network_mapper::istio
