// What becomes of a pod that is about to be made: from the API server's question (AdmissionReview,
// admission.k8s.io/v1) to the answer with a JSON patch (RFC 6902). A pod that carries the label
// is given our certificates as a volume, the variables by which SDKs find them, and our DNS. Pure.
//
// No pod is ever refused: whatever is wrong, the answer allows it, unpatched and with a warning.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/status/status.h"

namespace network_mapper::aws {

// On the pod, "true": patch me.
inline constexpr const char* kAskLabel = "network-mapper.otterize.com/aws-visibility";
// On the pod, put there by the patch: the volume is needed as long as the pod lives.
inline constexpr const char* kPatchedLabel = "network-mapper.otterize.com/aws-visibility-injected";
inline constexpr const char* kPatchedValue = "v1";
// On the pod: which variables are set. "default": AWS_CA_BUNDLE, NODE_EXTRA_CA_CERTS; "all": also
// those that change whom the whole container trusts: SSL_CERT_FILE, REQUESTS_CA_BUNDLE and
// JAVA_TOOL_OPTIONS; "none".
inline constexpr const char* kTrustAnnotation = "network-mapper.otterize.com/aws-visibility-trust";

inline constexpr const char* kMountPath = "/var/run/otterize/aws-visibility";
// Volume, and ConfigMap in each namespace.
inline constexpr const char* kDefaultConfigMap = "otterize-aws-visibility-ca";

struct PatchPlan {
  // Addresses of our DNS, one to three.
  std::vector<std::string> nameservers;
  std::string cluster_domain = "cluster.local";
  // Search domains that the nodes have, which nobody knows at this time: "ec2.internal".
  std::vector<std::string> node_searches;
  std::string config_map = kDefaultConfigMap;
  // What kTrustAnnotation says where it is absent: "default", "all" or "none".
  std::string trust = "default";
  // Where no pod is patched: our own namespace and the cluster's.
  std::vector<std::string> excluded_namespaces;
};

enum class PatchOutcome : uint8_t {
  kPatched,
  // No pod that is being made, or not one with the label.
  kNotAsked,
  kAlreadyPatched,
  // The pod asks for it but is of a kind that cannot be patched without harm.
  kUnsupported,
  // The question makes no sense.
  kMalformed,
};
// "patched", "not_asked", ...: the value of a metric's label.
std::string_view PatchOutcomeName(PatchOutcome outcome);

struct PatchDecision {
  PatchOutcome outcome = PatchOutcome::kMalformed;
  // Of the question; goes into the answer.
  std::string uid;
  std::string name_space;
  // Nothing may be changed in the cluster for this question.
  bool dry_run = false;
  // JSON; empty when nothing is to be patched.
  std::string patch;
  // Shown to whoever makes the pod.
  std::vector<std::string> warnings;
};

// InvalidArgument only for what is no AdmissionReview with a uid: there is nobody to answer to.
StatusOr<PatchDecision> DecidePatch(std::string_view review, const PatchPlan& plan);

// The AdmissionReview to answer with.
std::string RenderAnswer(const PatchDecision& decision);

}  // namespace network_mapper::aws
