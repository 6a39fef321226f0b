// Readers of bodies that look for some members only. They read what there is: a body that ends too
// early, or goes wrong, tells what was found until then, and the answer is false. No recursion
// beyond WantedFields::kMostSteps; what is not wanted is skipped, not kept.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "aws-visibility/iam/wanted_fields.h"

namespace network_mapper::aws {

// RFC 8259.
bool ReadJson(std::string_view body, WantedFields& wanted);
// RFC 8949, a map as Smithy's RPC v2 sends it.
bool ReadCbor(std::string_view body, WantedFields& wanted);
// AWS' query protocols: Name=value, Names.member.1=value, Name.1.Part=value, still percent-encoded.
bool ReadForm(std::string_view body, WantedFields& wanted);

// The text of the first element <tag> at or after `from`, its entities decoded; `from` then is
// behind it. No more XML than answers of AWS have.
std::optional<std::string> ReadXmlText(std::string_view body, std::string_view tag, size_t& from);
// Objects of S3's DeleteObjects; false when the body ends too early.
bool ReadDeletedObjects(std::string_view body,
                        const std::function<void(std::string key, bool has_version)>& visit);

}  // namespace network_mapper::aws
