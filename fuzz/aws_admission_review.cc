// What the API server sends to the webhook. Invariants: a patch is given for pods that ask only,
// and the answer can be written.
#include <cstdint>
#include <string_view>

#include "aws-visibility/webhook/pod_patch.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace aws = network_mapper::aws;
  aws::PatchPlan plan;
  plan.nameservers = {"10.96.0.53"};
  const auto decision =
      aws::DecidePatch(std::string_view(reinterpret_cast<const char*>(data), size), plan);
  if (!decision.ok()) {
    return 0;
  }
  if (decision->patch.empty() == (decision->outcome == aws::PatchOutcome::kPatched) ||
      aws::RenderAnswer(*decision).empty()) {
    __builtin_trap();
  }
  return 0;
}
