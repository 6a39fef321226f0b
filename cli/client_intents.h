// ClientIntents: the intents of one client as the resource k8s.otterize.com/v2beta1 ClientIntents
// has them. Pure: from what the mapper answered to what list, export and visualize show. Makes no
// request and prints nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/mapper_intent.h"
#include "common/status/status.h"

namespace network_mapper::cli {

struct HttpRule {
  std::string path;
  std::vector<std::string> methods;
};

struct KafkaTopicRule {
  std::string name;
  // As ClientIntents spells them: "consume", "ClusterAction", ...
  std::vector<std::string> operations;
};

struct Target {
  enum class Kind { kKubernetes, kService, kKafka, kAws };

  Kind kind = Kind::kKubernetes;
  // "server" or "server.namespace"; for kAws the ARN of a resource, or "*".
  std::string name;
  // Owner kind, for kKubernetes only; may be empty.
  std::string workload_kind;
  std::vector<HttpRule> http;
  std::vector<KafkaTopicRule> topics;
  // IAM actions, such as "s3:GetObject".
  std::vector<std::string> actions{};
  // ARNs of the IAM roles that did them. Not part of the documents.
  std::vector<std::string> roles{};
  // See MapperIntent. Not part of the documents.
  bool http_seen = false;
  // See MapperIntent::AttemptedOnly. Not part of the documents.
  bool attempted_only = false;
};

struct ClientIntents {
  // metadata.name and spec.workload.name.
  std::string name;
  std::string name_space;
  std::string workload_kind;
  // Sorted by server name, then server namespace.
  std::vector<Target> targets;
};

struct ConversionOptions {
  bool as_kubernetes_service = false;
  // Groups clients by (name, value of this label) instead of (name, namespace).
  std::optional<std::string> distinct_by_label;
};

// Sorted by name, then namespace. InvalidArgument when the mapper used a Kafka operation or HTTP
// method that is not known.
StatusOr<std::vector<ClientIntents>> ToClientIntents(const std::vector<MapperIntent>& intents,
                                                     const ConversionOptions& options);

// Without the clients and servers named in `services`, and without clients that have no target
// left.
std::vector<ClientIntents> ExcludeServices(std::vector<ClientIntents> clients,
                                           const std::vector<std::string>& services);

// Takes away targets that were attempted only, and clients that have no target left; returns how
// many targets these were.
size_t TakeAttemptedOnly(std::vector<ClientIntents>& clients);

// The part of a target's name before the first dot; an ARN as a whole.
std::string_view ServerName(const Target& target);
// The part after it, or the client's namespace; empty for a resource in AWS, which is in none.
std::string_view ServerNamespace(const Target& target, const ClientIntents& client);

}  // namespace network_mapper::cli
