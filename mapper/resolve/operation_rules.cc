// Kafka, HTTP and AWS operations: both ends are named by the collector, at least in part.

#include <utility>

#include "mapper/resolve/attempt.h"

namespace network_mapper {
namespace {

Workload NamedWorkload(const std::string& name_space, const std::string& name) {
  WorkloadIdentity identity;
  identity.name = name;
  identity.name_space = name_space;
  return {std::make_shared<const WorkloadIdentity>(std::move(identity)), nullptr};
}

}  // namespace

Outcome Attempt::FindEnds(const KafkaTarget& target) {
  if (Outcome outcome = FindClient(); outcome.has_value()) {
    return outcome;
  }
  const PodFactsPtr broker = inventory_.PodByName(target.broker_namespace, target.broker_pod);
  if (broker == nullptr) {
    return Problem{Refusal::kUnknownServer, true};
  }
  found_.type = IntentType::kKafka;
  found_.resolution = Resolution::kKafka;
  found_.strength = target.allowed ? Strength::kUsed : Strength::kAttempted;
  return UseServerPod(broker);
}

// Proxies name a workload after its pods' owner; its label may say something else.
PodFactsPtr Attempt::PodOfWorkload(std::string_view name_space, std::string_view name) const {
  PodFactsPtr pod = inventory_.PodByOwnerName(name_space, name);
  return pod != nullptr ? pod : inventory_.PodByCanonicalName(name_space, name);
}

Outcome Attempt::FindEnds(const HttpTarget& target) {
  const PodFactsPtr client = PodOfWorkload(target.client_namespace, target.client_workload);
  if (client == nullptr) {
    return Problem{Refusal::kUnknownClient, true};
  }
  if (client->owner_pending) {
    return Problem{Refusal::kClientOwnerPending, true};
  }
  const PodFactsPtr server = PodOfWorkload(target.server_namespace, target.server_workload);
  if (server == nullptr) {
    return Problem{Refusal::kUnknownServer, true};
  }
  if (server->owner_pending) {
    return Problem{Refusal::kServerOwnerPending, true};
  }
  // The pods only lead to the workloads; which pods talked is not known.
  found_.client = {client->workload, nullptr};
  found_.servers.push_back({server->workload, nullptr});
  found_.resolution = Resolution::kIstio;
  if (!target.connections_only) {
    found_.type = IntentType::kHttp;
  }
  found_.strength = !target.answered          ? Strength::kAttempted
                    : target.connections_only ? Strength::kConnected
                                              : Strength::kUsed;
  if (!target.service.empty()) {
    found_.service = std::make_shared<const std::string>(target.service);
  }
  return std::nullopt;
}

Outcome Attempt::FindEnds(const AwsTarget& target) {
  if (target.resource_arn.empty()) {
    return Problem{Refusal::kMalformed};
  }
  if (!target.client_name.empty()) {
    found_.client = {NamedWorkload(target.client_namespace, target.client_name), nullptr};
  } else if (Outcome outcome = FindClient(); outcome.has_value()) {
    return outcome;
  }
  found_.type = IntentType::kAws;
  found_.resolution = Resolution::kAws;
  found_.strength = target.allowed ? Strength::kUsed : Strength::kAttempted;
  found_.servers.push_back({NamedWorkload("", target.resource_arn), nullptr});
  return std::nullopt;
}

std::unique_ptr<IntentDetails> Attempt::MakeDetails() const {
  auto details = std::make_unique<IntentDetails>();
  if (const auto* kafka = std::get_if<KafkaTarget>(&observation_.target)) {
    details->kafka_topics.push_back({kafka->topic, {kafka->operation}});
  } else if (const auto* http = std::get_if<HttpTarget>(&observation_.target)) {
    if (!http->path.empty()) {
      details->http_resources.push_back({http->path, http->methods});
    }
  } else if (const auto* aws = std::get_if<AwsTarget>(&observation_.target)) {
    details->aws_actions = aws->actions;
    if (!aws->region.empty()) {
      details->aws_regions.push_back(aws->region);
    }
    if (!aws->iam_role.empty()) {
      details->aws_roles.push_back(aws->iam_role);
    }
  }
  return details;
}

}  // namespace network_mapper
