// Parser: a document's text to its syntax tree, or the first error. Recursive descent with a
// bounded depth and a bounded number of tokens.
#pragma once

#include <cstddef>
#include <string_view>
#include <variant>

#include "common/graphql/ast.h"
#include "common/graphql/error.h"

namespace network_mapper::graphql {

struct ParseLimits {
  size_t tokens = 20'000;
  size_t depth = 32;
};

std::variant<Document, Error> ParseDocument(std::string_view text, const ParseLimits& limits);

}  // namespace network_mapper::graphql
