// Texts from the map as they are printed: nothing in them may forge lines or speak to the terminal,
// whatever a mapper answers. Pure.
#pragma once

#include <string>
#include <string_view>

#include "cli/mapper_call.h"

namespace network_mapper::cli {

// A name on one line. What a terminal obeys, what ends a line and what turns the direction of
// writing is written as in JSON, "\u001b"; bytes that are no UTF-8 as "\xff". A backslash stays
// what it is.
std::string OnScreen(std::string_view text);

// The same for whole lines; these and tabs stay. JSON means what it meant before.
std::string LinesOnScreen(std::string_view text);

// All texts of `json` as OnScreen has them.
Json TextsOnScreen(Json json);

}  // namespace network_mapper::cli
