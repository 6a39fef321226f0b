// Errors of the language as they stand in a response (GraphQL October 2021, 7.1.2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace network_mapper::graphql {

struct Location {
  uint32_t line = 1;
  uint32_t column = 1;
};

inline constexpr std::string_view kParseFailed = "GRAPHQL_PARSE_FAILED";
inline constexpr std::string_view kValidationFailed = "GRAPHQL_VALIDATION_FAILED";
inline constexpr std::string_view kUnauthenticated = "UNAUTHENTICATED";
inline constexpr std::string_view kForbidden = "FORBIDDEN";
inline constexpr std::string_view kUnavailable = "UNAVAILABLE";

// A name or an index of a list. Names may look like numbers: clients choose the keys of variables.
using PathPart = std::variant<std::string, size_t>;

struct Error {
  std::string message;
  std::vector<Location> locations;
  std::vector<PathPart> path;
  // extensions.code; empty: none.
  std::string_view code;
};

// The array of "errors".
std::string ErrorsJson(const std::vector<Error>& errors);

// " Did you mean "a" or "b"?", or nothing when no candidate is near.
std::string DidYouMean(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace network_mapper::graphql
