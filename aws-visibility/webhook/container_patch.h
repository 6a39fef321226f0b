// What a patched pod's containers get: the mount of our certificates, and the variables by which
// SDKs find them. Only for .cc files.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "aws-visibility/webhook/pod_patch.h"
#include "aws-visibility/webhook/pod_spec.h"

namespace network_mapper::aws {

enum class Trust : uint8_t { kNone, kDefault, kAll };

// Adds what the containers lack, init containers and so native sidecars too, and what the pod lacks
// of our volume. InvalidArgument: the pod makes no sense. FailedPrecondition: our volume cannot be
// mounted without harm; the message says why.
Status PatchContainers(const Json& spec, const std::string& config_map, Trust trust,
                       JsonPatch& patch, std::vector<std::string>& warnings);

}  // namespace network_mapper::aws
