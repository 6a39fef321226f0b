// Answers the API server: POST /mutate-v1-pod. Patches only while our DNS and proxy are ready and
// once the namespace has our certificates; never refuses a pod. Thread-safe.
#pragma once

#include <array>

#include "aws-visibility/webhook/namespace_copies.h"
#include "aws-visibility/webhook/pod_patch.h"
#include "aws-visibility/webhook/service_gate.h"
#include "common/http/http_server.h"
#include "common/metrics/metrics.h"

namespace network_mapper::aws {

class PodWebhook {
 public:
  static constexpr const char* kPath = "/mutate-v1-pod";
  // The API server waits for five seconds.
  static constexpr std::chrono::milliseconds kLongestCopy{3'000};

  // `plan.nameservers` is not used. All must outlive this.
  PodWebhook(PatchPlan plan, const ServiceGate& gate, NamespaceCopies& copies,
             MetricsRegistry& metrics);

  HttpResponse Handle(const HttpRequest& request);

 private:
  // In place of the patch.
  void Withhold(PatchDecision& decision, const Status& reason) const;
  void Prepare(PatchDecision& decision, const Status& gate_status);

  const PatchPlan plan_;
  const ServiceGate& gate_;
  NamespaceCopies& copies_;
  std::array<Counter*, 5> outcomes_{};
  Counter& not_ready_;
  Counter& no_certificates_;
  Counter& new_namespaces_;
};

}  // namespace network_mapper::aws
