// How unlike two words are, for finding what somebody meant who mistyped a name.
#pragma once

#include <cstddef>
#include <string_view>

namespace network_mapper {

// Levenshtein distance: insertions, deletions and substitutions of bytes. Time and memory grow with
// the product and the length; the caller bounds both.
size_t EditDistance(std::string_view a, std::string_view b);

}  // namespace network_mapper
