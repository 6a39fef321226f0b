#include "aws-visibility/webhook/service_gate.h"

#include <utility>

#include "aws-visibility/webhook/pod_spec.h"
#include "common/concurrency/stop_wait.h"
#include "common/kube/paths.h"
#include "common/log/log.h"
#include "common/net/ip_address.h"

namespace network_mapper::aws {

namespace {

kube::RequestOptions QuickRequest(const std::stop_token& stop) {
  kube::RequestOptions options;
  options.timeout = std::chrono::seconds(5);
  options.max_response_bytes = size_t{8} << 20U;
  options.stop = stop;
  return options;
}

}  // namespace

StatusOr<size_t> CountReadyEndpoints(std::string_view json) {
  const Json list = Json::parse(json, nullptr, false);
  if (!list.is_object()) {
    return Unavailable("the answer is no list of EndpointSlices");
  }
  size_t ready = 0;
  ASSIGN_OR_RETURN(const std::vector<const Json*> slices, ObjectsOf(list, "items"));
  for (const Json* slice : slices) {
    ASSIGN_OR_RETURN(const std::vector<const Json*> endpoints, ObjectsOf(*slice, "endpoints"));
    for (const Json* endpoint : endpoints) {
      const Json* conditions = ObjectOf(*endpoint, "conditions");
      // Unknown counts as ready (discovery/v1 EndpointConditions).
      const bool is_ready =
          conditions == nullptr || !Has(*conditions, "ready") || IsTrue(*conditions, "ready");
      ready += is_ready ? 1 : 0;
    }
  }
  return ready;
}

StatusOr<std::string> ReadClusterAddress(std::string_view json) {
  const Json service = Json::parse(json, nullptr, false);
  const Json* spec = service.is_object() ? ObjectOf(service, "spec") : nullptr;
  const std::string_view address = spec == nullptr ? "" : TextOf(*spec, "clusterIP");
  if (!IpAddress::Parse(address)) {
    return Unavailable("it has no ClusterIP");
  }
  return std::string(address);
}

ServiceGate::ServiceGate(std::string dns_service, std::string proxy_service,
                         std::shared_ptr<kube::Client> client, const Clock& clock)
    : dns_service_(std::move(dns_service)),
      proxy_service_(std::move(proxy_service)),
      client_(std::move(client)),
      clock_(clock) {}

Status ServiceGate::CheckEndpoints(const std::string& service, const std::stop_token& stop) const {
  const std::string path = fmt::format(
      "/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices?labelSelector={}&limit=500",
      client_->Namespace(), kube::PercentEncode("kubernetes.io/service-name=" + service));
  ASSIGN_OR_RETURN(const kube::Response answer, client_->Get(path, QuickRequest(stop)));
  ASSIGN_OR_RETURN(const size_t ready, CountReadyEndpoints(answer.body));
  return ready > 0 ? OkStatus() : Unavailable("Service {} has no ready endpoint", service);
}

StatusOr<std::string> ServiceGate::Look(const std::stop_token& stop) const {
  RETURN_IF_ERROR(CheckEndpoints(dns_service_, stop));
  RETURN_IF_ERROR(CheckEndpoints(proxy_service_, stop));
  ASSIGN_OR_RETURN(const kube::Response answer,
                   client_->Get(fmt::format("/api/v1/namespaces/{}/services/{}",
                                            client_->Namespace(), dns_service_),
                                QuickRequest(stop)));
  StatusOr<std::string> address = ReadClusterAddress(answer.body);
  return address.ok() ? std::move(address)
                      : Annotate(address.status(), fmt::format("Service {}", dns_service_));
}

Status ServiceGate::Refresh(const std::stop_token& stop) {
  const SteadyTime begun = clock_.SteadyNow();
  StatusOr<std::string> address = Look(stop);
  Status outcome = address.status();
  state_.With([&](State& state) { state = {std::move(address), begun}; });
  return outcome;
}

void ServiceGate::Run(const std::stop_token& stop) {
  std::string told;
  while (!stop.stop_requested()) {
    const Status outcome = Refresh(stop);
    std::string problem = outcome.ok() ? std::string() : StatusMessage(outcome);
    if (problem != told && !stop.stop_requested()) {
      LogInfo("whether pods are led to the proxy",
              {{"patching", problem.empty()}, {"reason", problem.empty() ? "ready" : problem}});
      told = std::move(problem);
    }
    WaitUnlessStopped(stop, kInterval);
  }
}

StatusOr<std::vector<std::string>> ServiceGate::Nameservers() const {
  return state_.With([this](const State& state) -> StatusOr<std::vector<std::string>> {
    if (!state.address.ok()) {
      return state.address.status();
    }
    if (clock_.SteadyNow() - state.at > kStaleAfter) {
      return Unavailable("nothing is known of the Services for a while");
    }
    return std::vector<std::string>{*state.address};
  });
}

}  // namespace network_mapper::aws
