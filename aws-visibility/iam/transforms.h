// How a member's value becomes part of an ARN. The overlay names these: overlay.txt.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "aws-visibility/iam/s3_target.h"

namespace network_mapper::aws {

// What comes from a request is no wildcard: "*", "?" and "${" are written as IAM's policies write
// them literally. Nullopt: no text that an ARN can have (control characters, no UTF-8, more than 2
// KiB).
std::optional<std::string> EscapeForArn(std::string_view text);

// Nullopt when the value is none of the kind. `value`: escaped. Names are those of the overlay; of
// an unknown one nothing becomes anything.
std::optional<std::string> Transform(std::string_view name, std::string_view value,
                                     const ArnPlace& place);

// Whether a transform reads PartiQL, of which only a name gets into the ARN.
bool IsStatement(std::string_view name);

// The table (or the table's index) of a PartiQL statement: "T" or "T/index/I", when it begins with
// `verb`
// ("select", "insert", ...), else nullopt.
std::optional<std::string> PartiQlTable(std::string_view statement, std::string_view verb);

}  // namespace network_mapper::aws
