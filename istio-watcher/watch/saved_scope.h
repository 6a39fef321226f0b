// Since when which proxies are watched, over restarts. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/time/clock.h"

namespace network_mapper::istio {

struct SavedScope {
  // No proxy has started since without its counters being in what is saved, or new.
  Time since;
  // Which proxies are watched, in words.
  std::string proxies;
};

std::string EncodeScope(const SavedScope& scope);
// Absent for bytes that are none.
std::optional<SavedScope> DecodeScope(std::string_view bytes);

}  // namespace network_mapper::istio
