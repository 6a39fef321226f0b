// Small readers of what a request's head consists of: headers, query, percent-encoding, and the
// letters that names may have.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "aws-visibility/iam/exchange.h"

namespace network_mapper::aws {

// Where one of the two comes first; npos: nowhere. The library's search for any of several letters
// makes a call for each byte.
inline size_t FindEither(std::string_view text, char one, char other) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == one || text[i] == other) {
      return i;
    }
  }
  return std::string_view::npos;
}

bool EqualIgnoringCase(std::string_view a, std::string_view b);

// The value of the first header of that name, without blanks around it; nullopt when there is none.
// `name` is in lower case. With a last "*" it is the start of a name.
std::optional<std::string_view> FindHeader(std::span<const Header> headers, std::string_view name);

// Whether two headers have that name, which is in lower case.
bool HasTwo(std::span<const Header> headers, std::string_view name);

// %XX; what is no such thing stays as it is. In forms "+" is a blank.
std::string PercentDecode(std::string_view text, bool plus_is_blank = false);

// Calls `visit(key, value)` for each pair of "a=1&b&c=", still encoded, until it returns false. At
// most kMostPairs.
inline constexpr size_t kMostPairs = 20'000;

template <typename Visit>
void ForEachPair(std::string_view text, Visit&& visit) {
  for (size_t i = 0; i < kMostPairs && !text.empty(); ++i) {
    const size_t end = text.find('&');
    const std::string_view pair = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (pair.empty()) {
      continue;
    }
    const size_t equals = pair.find('=');
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    if (!visit(pair.substr(0, equals), value)) {
      return;
    }
  }
}

// The raw value of a key of the query; `key` is as it is when decoded. nullopt when absent, and
// when it is there twice with different values.
std::optional<std::string_view> FindInQuery(std::string_view query, std::string_view key);

// Whether all is digits, and there are twelve.
bool IsAccount(std::string_view text);

// arn:partition:service:region:account:resource, by its form.
bool IsArn(std::string_view text);
// The parts of an ARN: 1 partition, 3 region, 4 account; empty when there is none.
std::string_view ArnPart(std::string_view arn, int part);

}  // namespace network_mapper::aws
