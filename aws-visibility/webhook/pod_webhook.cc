#include "aws-visibility/webhook/pod_webhook.h"

#include <utility>

#include "common/http/diagnostics_server.h"
#include "common/log/log.h"

namespace network_mapper::aws {

namespace {

constexpr const char* kReviews = "network_mapper_aws_webhook_reviews_total";
constexpr const char* kReviewsHelp =
    "Pods that the API server asked about, by what became of them.";

}  // namespace

PodWebhook::PodWebhook(PatchPlan plan, const ServiceGate& gate, NamespaceCopies& copies,
                       MetricsRegistry& metrics)
    : plan_(std::move(plan)),
      gate_(gate),
      copies_(copies),
      not_ready_(metrics.AddCounter(kReviews, kReviewsHelp, {{"outcome", "not_ready"}})),
      no_certificates_(
          metrics.AddCounter(kReviews, kReviewsHelp, {{"outcome", "no_certificates"}})),
      new_namespaces_(
          metrics.AddCounter(kReviews, kReviewsHelp, {{"outcome", "many_new_namespaces"}})) {
  for (size_t i = 0; i < outcomes_.size(); ++i) {
    outcomes_[i] = &metrics.AddCounter(
        kReviews, kReviewsHelp,
        {{"outcome", std::string(PatchOutcomeName(static_cast<PatchOutcome>(i)))}});
  }
}

void PodWebhook::Withhold(PatchDecision& decision, const Status& reason) const {
  decision.patch.clear();
  decision.warnings.assign(
      1, fmt::format("AWS visibility: this pod is not patched: {}", StatusMessage(reason)));
  LogWarn("a pod is not patched",
          {{"namespace", decision.name_space}, {"reason", StatusMessage(reason)}});
}

void PodWebhook::Prepare(PatchDecision& decision, const Status& gate_status) {
  if (decision.patch.empty()) {
    outcomes_[static_cast<size_t>(decision.outcome)]->Increment();
    return;
  }
  if (!gate_status.ok()) {
    not_ready_.Increment();
    Withhold(decision, gate_status);
    return;
  }
  // A dry run changes nothing, but tells what would become of the pod.
  const Status copied =
      decision.dry_run ? copies_.Ready() : copies_.Ensure(decision.name_space, kLongestCopy);
  if (!copied.ok()) {
    Counter& outcome =
        copied.code() == StatusCode::kResourceExhausted ? new_namespaces_ : no_certificates_;
    outcome.Increment();
    Withhold(decision, copied);
    return;
  }
  outcomes_[static_cast<size_t>(decision.outcome)]->Increment();
}

HttpResponse PodWebhook::Handle(const HttpRequest& request) {
  if (request.path != kPath) {
    return NotFoundResponse();
  }
  if (request.method != "POST") {
    return MethodNotAllowedResponse("POST");
  }
  const StatusOr<std::vector<std::string>> nameservers = gate_.Nameservers();
  PatchPlan plan = plan_;
  plan.nameservers = nameservers.ok() ? *nameservers : std::vector<std::string>();
  StatusOr<PatchDecision> decision = DecidePatch(request.body, plan);
  HttpResponse response;
  if (!decision.ok()) {
    outcomes_[static_cast<size_t>(PatchOutcome::kMalformed)]->Increment();
    response.status = 400;
    response.content_type = "text/plain; charset=utf-8";
    response.body = StatusMessage(decision.status()) + "\n";
    return response;
  }
  Prepare(*decision, nameservers.status());
  response.content_type = "application/json";
  response.body = RenderAnswer(*decision);
  return response;
}

}  // namespace network_mapper::aws
