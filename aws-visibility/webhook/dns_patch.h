// The DNS settings of a patched pod: our servers, and for the rest what the kubelet would have
// written into its resolv.conf. Only for .cc files.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "aws-visibility/webhook/pod_patch.h"
#include "aws-visibility/webhook/pod_spec.h"

namespace network_mapper::aws {

// Adds what makes `spec` use our DNS, and warnings. InvalidArgument: the pod's own settings make no
// sense. FailedPrecondition: they cannot be kept; the message says why.
Status PatchDns(const Json& spec, std::string_view name_space, const PatchPlan& plan,
                JsonPatch& patch, std::vector<std::string>& warnings);

}  // namespace network_mapper::aws
