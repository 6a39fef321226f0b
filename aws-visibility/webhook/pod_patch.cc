#include "aws-visibility/webhook/pod_patch.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "aws-visibility/webhook/container_patch.h"
#include "aws-visibility/webhook/dns_patch.h"
#include "aws-visibility/webhook/pod_spec.h"
#include "common/kube/base64.h"
#include "common/kube/object_name.h"

namespace network_mapper::aws {

namespace {

// The API server cuts what is longer, and 4096 bytes of all together.
constexpr size_t kMostWarnings = 12;
constexpr size_t kMostWarningBytes = 255;

std::optional<Trust> ParseTrust(std::string_view text) {
  if (text == "default") {
    return Trust::kDefault;
  }
  if (text == "all") {
    return Trust::kAll;
  }
  return text == "none" ? std::optional<Trust>(Trust::kNone) : std::nullopt;
}

// Whether the pod will run on Windows, where none of this works.
bool IsForWindows(const Json& spec) {
  const Json* os = ObjectOf(spec, "os");
  const Json* selector = ObjectOf(spec, "nodeSelector");
  return (os != nullptr && TextOf(*os, "name") == "windows") ||
         (selector != nullptr && TextOf(*selector, "kubernetes.io/os") == "windows");
}

class PodPatcher {
 public:
  PodPatcher(const Json& pod, const PatchPlan& plan, PatchDecision& decision)
      : pod_(pod), plan_(plan), decision_(decision) {}

  void Run() {
    const Status outcome = Patch();
    if (outcome.ok()) {
      return;
    }
    const bool malformed = outcome.code() == StatusCode::kInvalidArgument;
    decision_.outcome = malformed ? PatchOutcome::kMalformed : PatchOutcome::kUnsupported;
    decision_.warnings.assign(
        1, fmt::format("AWS visibility: this pod is not patched: {}", StatusMessage(outcome)));
  }

 private:
  Status Patch() {
    const Json* metadata = ObjectOf(pod_, "metadata");
    const Json* labels = metadata == nullptr ? nullptr : ObjectOf(*metadata, "labels");
    const std::string_view asked = labels == nullptr ? "" : TextOf(*labels, kAskLabel);
    if (asked != "true") {
      decision_.outcome = PatchOutcome::kNotAsked;
      const bool meant_something = !asked.empty() && asked != "false";
      return meant_something
                 ? FailedPrecondition("its label {} is neither true nor false", kAskLabel)
                 : OkStatus();
    }
    const Json* spec = ObjectOf(pod_, "spec");
    if (spec == nullptr) {
      return InvalidArgument("it has no spec");
    }
    RETURN_IF_ERROR(CheckKind(*spec));
    const std::optional<Trust> trust = ParseTrust(TrustText(*metadata));
    if (!trust) {
      return FailedPrecondition("its annotation {} is none of default, all, none",
                                kTrustAnnotation);
    }
    const bool patched_before = TextOf(*labels, kPatchedLabel) == kPatchedValue;
    JsonPatch patch;
    RETURN_IF_ERROR(PatchContainers(*spec, plan_.config_map, *trust, patch, decision_.warnings));
    if (patched_before && TextOf(*spec, "dnsPolicy") == "None") {
      RefreshNameservers(*spec, patch);
    } else {
      RETURN_IF_ERROR(PatchDns(*spec, decision_.name_space, plan_, patch, decision_.warnings));
    }
    if (!patched_before) {
      // The key's slash, as JSON Pointer writes it.
      patch.Add("/metadata/labels/network-mapper.otterize.com~1aws-visibility-injected",
                kPatchedValue);
    }
    decision_.outcome = patch.IsEmpty() ? PatchOutcome::kAlreadyPatched : PatchOutcome::kPatched;
    decision_.patch = patch.IsEmpty() ? std::string() : patch.Render();
    return OkStatus();
  }

  Status CheckKind(const Json& spec) const {
    if (Contains(plan_.excluded_namespaces, decision_.name_space)) {
      return FailedPrecondition("no pod of this namespace is");
    }
    if (IsTrue(spec, "hostNetwork")) {
      return FailedPrecondition("hostNetwork: its calls would come from the node's address");
    }
    if (IsForWindows(spec)) {
      return FailedPrecondition("it is for Windows");
    }
    return OkStatus();
  }

  std::string_view TrustText(const Json& metadata) const {
    const Json* annotations = ObjectOf(metadata, "annotations");
    return annotations != nullptr && Has(*annotations, kTrustAnnotation)
               ? TextOf(*annotations, kTrustAnnotation)
               : std::string_view(plan_.trust);
  }

  // A pod that was copied from one of an earlier time.
  void RefreshNameservers(const Json& spec, JsonPatch& patch) const {
    const Json* config = ObjectOf(spec, "dnsConfig");
    const auto present = config == nullptr ? StatusOr<std::vector<std::string>>(NotFound("none"))
                                           : TextsOf(*config, "nameservers");
    const bool is_ours =
        present.ok() && present->size() >= plan_.nameservers.size() &&
        std::equal(plan_.nameservers.begin(), plan_.nameservers.end(), present->begin());
    if (!is_ours && config != nullptr) {
      patch.Add("/spec/dnsConfig/nameservers", plan_.nameservers);
    }
  }

  static bool Contains(const std::vector<std::string>& list, const std::string& text) {
    return std::find(list.begin(), list.end(), text) != list.end();
  }

  const Json& pod_;
  const PatchPlan& plan_;
  PatchDecision& decision_;
};

bool IsPodBeingMade(const Json& request) {
  const Json* resource = ObjectOf(request, "resource");
  return resource != nullptr && TextOf(*resource, "group").empty() &&
         TextOf(*resource, "resource") == "pods" && TextOf(request, "subResource").empty() &&
         TextOf(request, "operation") == "CREATE";
}

// As the API server takes them: no control characters, not too long, not too many.
std::vector<std::string> Presentable(const std::vector<std::string>& warnings) {
  std::vector<std::string> presentable;
  for (std::string warning : warnings) {
    if (presentable.size() == kMostWarnings) {
      break;
    }
    for (char& c : warning) {
      c = c < ' ' || c > '~' ? '?' : c;
    }
    warning.resize(std::min(warning.size(), kMostWarningBytes));
    presentable.push_back(std::move(warning));
  }
  return presentable;
}

}  // namespace

std::string_view PatchOutcomeName(PatchOutcome outcome) {
  switch (outcome) {
    case PatchOutcome::kPatched:
      return "patched";
    case PatchOutcome::kNotAsked:
      return "not_asked";
    case PatchOutcome::kAlreadyPatched:
      return "already_patched";
    case PatchOutcome::kUnsupported:
      return "unsupported";
    case PatchOutcome::kMalformed:
      break;
  }
  return "malformed";
}

StatusOr<PatchDecision> DecidePatch(std::string_view review, const PatchPlan& plan) {
  const Json question = Json::parse(review, nullptr, false);
  const Json* request = question.is_object() ? ObjectOf(question, "request") : nullptr;
  const std::string_view uid = request == nullptr ? "" : TextOf(*request, "uid");
  if (TextOf(question, "kind") != "AdmissionReview" ||
      TextOf(question, "apiVersion") != "admission.k8s.io/v1" || uid.empty()) {
    return InvalidArgument("the request is no AdmissionReview of admission.k8s.io/v1");
  }
  PatchDecision decision;
  decision.uid = uid;
  decision.name_space = TextOf(*request, "namespace");
  decision.dry_run = IsTrue(*request, "dryRun");
  if (!IsPodBeingMade(*request)) {
    decision.outcome = PatchOutcome::kNotAsked;
    return decision;
  }
  const Json* pod = ObjectOf(*request, "object");
  if (pod == nullptr || !kube::IsLabelName(decision.name_space)) {
    decision.warnings.emplace_back("AWS visibility: the question has no pod or no namespace");
    return decision;
  }
  PodPatcher(*pod, plan, decision).Run();
  return decision;
}

std::string RenderAnswer(const PatchDecision& decision) {
  Json response = {{"uid", decision.uid}, {"allowed", true}};
  if (!decision.patch.empty()) {
    response["patchType"] = "JSONPatch";
    response["patch"] = kube::EncodeBase64(decision.patch);
  }
  if (!decision.warnings.empty()) {
    response["warnings"] = Presentable(decision.warnings);
  }
  const Json answer = {{"apiVersion", "admission.k8s.io/v1"},
                       {"kind", "AdmissionReview"},
                       {"response", std::move(response)}};
  return answer.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace network_mapper::aws
