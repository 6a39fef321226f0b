// What an answer says about the permission: granted, or denied, and then often on what exactly.
// Only success is taken for granted: most errors come before any decision, or tell nothing of it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "aws-visibility/iam/exchange.h"

namespace network_mapper::aws {

// The text of "User: ARN is not authorized to perform: ACTION on resource: ARN because ...".
struct Denial {
  // Of who called; empty when not said. "arn:aws:sts::123456789012:assumed-role/name/session"
  std::string caller;
  // "s3:GetObject"
  std::string action;
  // Empty when not said.
  std::string resource;
};

struct Outcome {
  Answer answer = Answer::kNone;
  std::optional<Denial> denial;
};

// Whether an error's code is that of a denial, or of who calls not being accepted.
bool IsDenial(std::string_view code);

Outcome ReadOutcome(const ResponseHead& response, const Body& body);

// ARN of the role of "arn:aws:sts::A:assumed-role/NAME/SESSION", without path, which is not said
// there. Empty for others.
std::string RoleOfCaller(std::string_view caller);

}  // namespace network_mapper::aws
