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
// Elements, as they are written, of the list that the message's member `name` is; false when the
// message goes wrong, or has not exactly one such list.
bool ReadJsonElements(std::string_view body, std::string_view name,
                      const std::function<void(std::string_view element)>& visit);
// RFC 8949, a map as Smithy's RPC v2 sends it.
bool ReadCbor(std::string_view body, WantedFields& wanted);
// AWS' query protocols: Name=value, Names.member.1=value, Name.1.Part=value, still percent-encoded.
bool ReadForm(std::string_view body, WantedFields& wanted);

// XML 1.0 in UTF-8, without a document type; no lists. The root's name is no step of a path.
bool ReadXml(std::string_view body, WantedFields& wanted);

// The text of the first element <tag> at or after `from`, up to the next tag; `from` then is
// behind it.
std::optional<std::string> ReadXmlText(std::string_view body, std::string_view tag, size_t& from);

// One element below the root of S3's DeleteObjects or of its answer.
struct S3ObjectPart {
  // "Object"; "Deleted" or "Error".
  std::string_view element;
  // Empty: there is none, or it cannot be told.
  std::string key;
  bool has_version = false;
  // Of an error.
  std::string code;
  // The element as it is written.
  std::string_view raw;
};

// Those of a document whose root is `root`, "Delete" or "DeleteResult"; false when it is not that,
// ends too early or goes wrong.
bool ReadS3Objects(std::string_view body, std::string_view root,
                   const std::function<void(const S3ObjectPart&)>& visit);

}  // namespace network_mapper::aws
