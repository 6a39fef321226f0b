#include "mapper/resolve/resolver.h"

#include <algorithm>
#include <utility>

#include "mapper/resolve/attempt.h"

namespace network_mapper {

const Workload& ApiServerWorkload() {
  static const Workload api_server_workload = [] {
    WorkloadIdentity identity;
    identity.name = "kubernetes";
    identity.name_space = "default";
    return Workload{std::make_shared<const WorkloadIdentity>(std::move(identity)), nullptr};
  }();
  return api_server_workload;
}

bool IsApiServerService(std::string_view name_space, std::string_view name) {
  return name_space == "default" && name == "kubernetes";
}

SharedText PodName(const PodFactsPtr& pod) {
  return {pod, &pod->name};
}

bool Attempt::IsEnabled() const {
  switch (observation_.collector) {
    case Collector::kDns:
      return options_.dns_enabled;
    case Collector::kTcpSyn:
      return options_.tcp_enabled;
    case Collector::kSocketScan:
      return options_.socket_scan_enabled;
    case Collector::kKafka:
    case Collector::kIstio:
    case Collector::kAws:
      return true;
  }
  return false;
}

Outcome Attempt::FindEnds() {
  const auto find_connection = [this](const auto& target) {
    Outcome outcome = FindClient();
    return outcome.has_value() ? outcome : FindServer(target);
  };
  const auto& target = observation_.target;
  switch (observation_.collector) {
    case Collector::kDns:
      if (const auto* name = std::get_if<NameTarget>(&target)) {
        return find_connection(*name);
      }
      break;
    case Collector::kTcpSyn:
    case Collector::kSocketScan:
      if (const auto* address = std::get_if<AddressTarget>(&target)) {
        return find_connection(*address);
      }
      break;
    case Collector::kKafka:
      if (const auto* kafka = std::get_if<KafkaTarget>(&target)) {
        return FindEnds(*kafka);
      }
      break;
    case Collector::kIstio:
      if (const auto* http = std::get_if<HttpTarget>(&target)) {
        return FindEnds(*http);
      }
      break;
    case Collector::kAws:
      if (const auto* aws = std::get_if<AwsTarget>(&target)) {
        return FindEnds(*aws);
      }
      break;
  }
  return Problem{Refusal::kMalformed};
}

bool Attempt::IsExcluded(const Workload& workload) const {
  const auto& excluded = options_.excluded_namespaces;
  return std::find(excluded.begin(), excluded.end(), workload.identity->name_space) !=
         excluded.end();
}

Outcome Attempt::Emit(std::vector<IntentSighting>& sightings) {
  const bool shared = found_.servers.size() > 1;
  if (!options_.excluded_namespaces.empty()) {
    std::erase_if(found_.servers, [this](const End& end) { return IsExcluded(end.workload); });
    if (found_.servers.empty() || IsExcluded(found_.client.workload)) {
      return Problem{Refusal::kExcludedNamespace};
    }
  }
  for (End& server : found_.servers) {
    IntentSighting& sighting = sightings.emplace_back();
    sighting.client = found_.client.workload;
    sighting.server = std::move(server.workload);
    sighting.type = found_.type;
    sighting.resolution = found_.resolution;
    sighting.kubernetes_service = found_.service;
    sighting.collector = observation_.collector;
    sighting.strength = found_.strength;
    sighting.first_seen = observation_.first_seen;
    sighting.last_seen = observation_.last_seen;
    sighting.shared = shared;
    if (!found_.counted_elsewhere) {
      sighting.count = observation_.count;
      sighting.answered = found_.answered;
      sighting.port = found_.port;
    }
    sighting.sample = {found_.client.pod, std::move(server.pod), found_.server_address};
    if (found_.type.has_value()) {
      sighting.details = MakeDetails();
    }
  }
  return std::nullopt;
}

Outcome Attempt::Run(std::vector<IntentSighting>& sightings) {
  if (!IsEnabled()) {
    return Problem{Refusal::kCollectorDisabled};
  }
  if (Outcome outcome = FindEnds(); outcome.has_value()) {
    return outcome;
  }
  return Emit(sightings);
}

Resolver::Resolver(ResolveOptions options) : options_(std::move(options)) {
  options_.cluster_domain = NormalizeClusterDomain(options_.cluster_domain);
}

Verdict Resolver::Resolve(const InventoryView& inventory, const Observation& observation,
                          Patience patience, std::vector<IntentSighting>& sightings,
                          const Reporter& reporter) const {
  const Outcome problem =
      Attempt(options_, inventory, observation, patience, reporter).Run(sightings);
  if (!problem.has_value()) {
    return {Verdict::Kind::kResolved};
  }
  const bool hold = problem->worth_waiting && patience == Patience::kMayHold;
  return {hold ? Verdict::Kind::kHold : Verdict::Kind::kRefused, problem->refusal};
}

}  // namespace network_mapper
