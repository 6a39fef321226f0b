#include "cli/client_intents.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace network_mapper::cli {

namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kKafkaOperations = {{
    {"ALL", "all"},
    {"CONSUME", "consume"},
    {"PRODUCE", "produce"},
    {"CREATE", "create"},
    {"ALTER", "alter"},
    {"DELETE", "delete"},
    {"DESCRIBE", "describe"},
    {"CLUSTER_ACTION", "ClusterAction"},
    {"DESCRIBE_CONFIGS", "DescribeConfigs"},
    {"ALTER_CONFIGS", "AlterConfigs"},
    {"IDEMPOTENT_WRITE", "IdempotentWrite"},
}};

constexpr std::array<std::string_view, 8> kHttpMethods = {"GET",     "PUT",   "POST",  "DELETE",
                                                          "OPTIONS", "TRACE", "PATCH", "CONNECT"};

bool IsApiServer(const MapperIdentity& identity) {
  return identity.name == "kubernetes" && identity.name_space == "default";
}

StatusOr<std::vector<KafkaTopicRule>> ConvertTopics(const std::vector<MapperKafkaTopic>& topics) {
  std::vector<KafkaTopicRule> rules;
  for (const MapperKafkaTopic& topic : topics) {
    KafkaTopicRule rule{.name = topic.name, .operations = {}};
    for (const std::string& operation : topic.operations) {
      const auto* found = std::find_if(kKafkaOperations.begin(), kKafkaOperations.end(),
                                       [&](const auto& known) { return known.first == operation; });
      if (found == kKafkaOperations.end()) {
        return InvalidArgument("the mapper answered with an unknown Kafka operation: {}",
                               operation);
      }
      rule.operations.emplace_back(found->second);
    }
    rules.push_back(std::move(rule));
  }
  return rules;
}

// "ALL" is left out, since ClientIntents has no such method; the list may become empty.
StatusOr<std::vector<HttpRule>> ConvertHttp(const std::vector<MapperHttpResource>& resources) {
  std::vector<HttpRule> rules;
  for (const MapperHttpResource& resource : resources) {
    HttpRule rule{.path = resource.path, .methods = {}};
    for (const std::string& method : resource.methods) {
      if (method == "ALL") {
        continue;
      }
      if (std::find(kHttpMethods.begin(), kHttpMethods.end(), method) == kHttpMethods.end()) {
        return InvalidArgument("the mapper answered with an unknown HTTP method: {}", method);
      }
      rule.methods.push_back(method);
    }
    rules.push_back(std::move(rule));
  }
  return rules;
}

StatusOr<Target> ToTarget(const MapperIntent& intent, const ConversionOptions& options) {
  if (intent.in_aws) {
    return Target{.kind = Target::Kind::kAws,
                  .name = intent.server.name,
                  .workload_kind = {},
                  .http = {},
                  .topics = {},
                  .actions = intent.aws_actions,
                  .roles = intent.aws_roles,
                  .attempted_only = intent.AttemptedOnly()};
  }
  bool api_server = IsApiServer(intent.server);
  std::string service = api_server ? "kubernetes" : intent.server.kubernetes_service;
  bool use_service = (options.as_kubernetes_service || api_server) && !service.empty();
  Target target;
  target.attempted_only = intent.AttemptedOnly();
  target.http_seen = intent.http || !intent.http_resources.empty();
  target.name = options.as_kubernetes_service && !service.empty() ? service : intent.server.name;
  if (intent.server.name_space != intent.client.name_space) {
    target.name += "." + intent.server.name_space;
  }
  if (!intent.kafka_topics.empty()) {
    target.kind = Target::Kind::kKafka;
    ASSIGN_OR_RETURN(target.topics, ConvertTopics(intent.kafka_topics));
    return target;
  }
  ASSIGN_OR_RETURN(target.http, ConvertHttp(intent.http_resources));
  if (use_service) {
    target.kind = Target::Kind::kService;
  } else {
    target.workload_kind = intent.server.kind;
  }
  return target;
}

using TargetKey = std::tuple<std::string_view, std::string_view, std::string_view>;

TargetKey KeyOf(const Target& target, const ClientIntents& client) {
  std::string_view kind = "OttrLegacy";
  if (target.kind == Target::Kind::kService) {
    kind = "Service";
  } else if (target.kind == Target::Kind::kAws) {
    kind = "AWS";
  } else if (target.kind == Target::Kind::kKubernetes && !target.workload_kind.empty()) {
    kind = target.workload_kind;
  }
  return {ServerName(target), ServerNamespace(target, client), kind};
}

bool IsTyped(const Target& target) {
  return target.kind == Target::Kind::kKafka || target.http_seen;
}

// A plain target says nothing beside one of the same server and kind that tells of topics or HTTP
// calls: that there was a connection goes without saying, even where every call was denied.
void HidePlainDuplicates(ClientIntents& client) {
  std::set<TargetKey> typed;
  for (const Target& target : client.targets) {
    if (IsTyped(target)) {
      typed.insert(KeyOf(target, client));
    }
  }
  std::vector<bool> hidden;
  for (const Target& target : client.targets) {
    hidden.push_back(!IsTyped(target) && typed.contains(KeyOf(target, client)));
  }
  std::vector<Target> kept;
  for (size_t i = 0; i < hidden.size(); ++i) {
    if (!hidden[i]) {
      kept.push_back(client.targets[i]);
    }
  }
  client.targets = std::move(kept);
}

void SortTargets(ClientIntents& client) {
  std::stable_sort(client.targets.begin(), client.targets.end(),
                   [&client](const Target& a, const Target& b) {
                     return std::pair(ServerName(a), ServerNamespace(a, client)) <
                            std::pair(ServerName(b), ServerNamespace(b, client));
                   });
}

std::string GroupValue(const MapperIdentity& client, const ConversionOptions& options) {
  if (!options.distinct_by_label) {
    return client.name_space;
  }
  bool only_that_label =
      client.labels.size() == 1 && client.labels.front().first == *options.distinct_by_label;
  return only_that_label ? client.labels.front().second : "no_value";
}

}  // namespace

std::string_view ServerName(const Target& target) {
  return std::string_view(target.name)
      .substr(0, target.kind == Target::Kind::kAws ? target.name.npos : target.name.find('.'));
}

std::string_view ServerNamespace(const Target& target, const ClientIntents& client) {
  if (target.kind == Target::Kind::kAws) {
    return {};
  }
  size_t dot = target.name.find('.');
  if (dot == std::string::npos) {
    return client.name_space;
  }
  std::string_view rest = std::string_view(target.name).substr(dot + 1);
  return rest.substr(0, rest.find('.'));
}

StatusOr<std::vector<ClientIntents>> ToClientIntents(const std::vector<MapperIntent>& intents,
                                                     const ConversionOptions& options) {
  std::map<std::pair<std::string, std::string>, ClientIntents> groups;
  for (const MapperIntent& intent : intents) {
    auto [group, added] =
        groups.try_emplace({intent.client.name, GroupValue(intent.client, options)});
    ClientIntents& client = group->second;
    if (added) {
      client.name = intent.client.name;
      client.name_space = intent.client.name_space;
      client.workload_kind = intent.client.kind;
    }
    ASSIGN_OR_RETURN(Target target, ToTarget(intent, options));
    client.targets.push_back(std::move(target));
  }
  std::vector<ClientIntents> clients;
  for (auto& [key, client] : groups) {
    HidePlainDuplicates(client);
    SortTargets(client);
    clients.push_back(std::move(client));
  }
  std::stable_sort(clients.begin(), clients.end(),
                   [](const ClientIntents& a, const ClientIntents& b) {
                     return std::tie(a.name, a.name_space) < std::tie(b.name, b.name_space);
                   });
  return clients;
}

size_t TakeAttemptedOnly(std::vector<ClientIntents>& clients) {
  size_t taken = 0;
  for (ClientIntents& client : clients) {
    taken +=
        std::erase_if(client.targets, [](const Target& target) { return target.attempted_only; });
  }
  std::erase_if(clients, [](const ClientIntents& client) { return client.targets.empty(); });
  return taken;
}

std::vector<ClientIntents> ExcludeServices(std::vector<ClientIntents> clients,
                                           const std::vector<std::string>& services) {
  auto excluded = [&services](std::string_view name) {
    return std::find(services.begin(), services.end(), name) != services.end();
  };
  if (services.empty()) {
    return clients;
  }
  std::vector<ClientIntents> kept;
  for (ClientIntents& client : clients) {
    std::erase_if(client.targets,
                  [&](const Target& target) { return excluded(ServerName(target)); });
    if (!excluded(client.name) && !client.targets.empty()) {
      kept.push_back(std::move(client));
    }
  }
  return kept;
}

}  // namespace network_mapper::cli
