// Whether pods may be led to us now: our DNS and our proxy have ready endpoints, by the API
// server's word of a moment ago. Thread-safe.
#pragma once

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "common/concurrency/guarded.h"
#include "common/kube/client.h"
#include "common/status/status.h"
#include "common/time/clock.h"

namespace network_mapper::aws {

// Ready endpoints in a list of EndpointSlices (discovery.k8s.io/v1). Pure.
StatusOr<size_t> CountReadyEndpoints(std::string_view json);
// The first ClusterIP of a Service. Pure.
StatusOr<std::string> ReadClusterAddress(std::string_view json);

class ServiceGate {
 public:
  static constexpr std::chrono::seconds kInterval{3};
  // What is older is no longer believed.
  static constexpr std::chrono::seconds kStaleAfter{15};

  // Services of the client's namespace. RBAC there: get of that Service, list of endpointslices.
  ServiceGate(std::string dns_service, std::string proxy_service,
              std::shared_ptr<kube::Client> client, const Clock& clock = Clock::System());

  Status Refresh(const std::stop_token& stop = {});
  void Run(const std::stop_token& stop);

  // Of our DNS. An error says why no pod may be led to us.
  StatusOr<std::vector<std::string>> Nameservers() const;

 private:
  struct State {
    StatusOr<std::string> address = Unavailable("the Services were not read yet");
    SteadyTime at;
  };

  StatusOr<std::string> Look(const std::stop_token& stop) const;
  Status CheckEndpoints(const std::string& service, const std::stop_token& stop) const;

  const std::string dns_service_;
  const std::string proxy_service_;
  const std::shared_ptr<kube::Client> client_;
  const Clock& clock_;
  Guarded<State> state_;
};

}  // namespace network_mapper::aws
