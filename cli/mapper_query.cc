#include "cli/mapper_query.h"

#include <string_view>
#include <utility>

#include "cli/mapper_call.h"
#include "common/time/time_text.h"

namespace network_mapper::cli {

namespace {

constexpr std::string_view kIntentsQuery = R"(
query Intents ($namespaces: [String!], $includedLabels: [String!], $excludeServiceWithLabels: [String!],
               $server: ServerFilter, $since: Time, $until: Time) {
  intents(namespaces: $namespaces, includeLabels: $includedLabels,
          excludeServiceWithLabels: $excludeServiceWithLabels, server: $server,
          since: $since, until: $until) {
    client { ...Identity }
    server { ...Identity }
    type
    kafkaTopics { name operations }
    httpResources { path methods }
    awsActions
    awsRoles
    strength
  }
}
fragment Identity on OtterizeServiceIdentity {
  name namespace labels { key value } podOwnerKind { group version kind } kubernetesService
})";

// As the original's mapper knows it.
constexpr std::string_view kOriginalIntentsQuery = R"(
query Intents ($namespaces: [String!], $includedLabels: [String!], $excludeServiceWithLabels: [String!],
               $server: ServerFilter) {
  intents(namespaces: $namespaces, includeLabels: $includedLabels,
          excludeServiceWithLabels: $excludeServiceWithLabels, server: $server) {
    client { ...Identity }
    server { ...Identity }
    type
    kafkaTopics { name operations }
    httpResources { path methods }
  }
}
fragment Identity on OtterizeServiceIdentity {
  name namespace labels { key value } podOwnerKind { group version kind } kubernetesService
})";

constexpr std::string_view kServiceIntentsWithLabelsQuery = R"(
query ServiceIntentsWithLabels ($namespaces: [String!], $includedLabels: [String!]) {
  serviceIntents(namespaces: $namespaces, includeLabels: $includedLabels) {
    client { name namespace labels { key value } }
    intents { name namespace labels { key value } }
  }
})";

constexpr std::string_view kServiceIntentsQuery = R"(
query ServiceIntentsUpToMapperV017 ($namespaces: [String!]) {
  serviceIntents(namespaces: $namespaces) { client { name namespace } intents { name namespace } }
})";

MapperIdentity ReadIdentity(const Json& json) {
  MapperIdentity identity{.name = TextOf(json, "name"),
                          .name_space = TextOf(json, "namespace"),
                          .labels = {},
                          .kind = TextOf(ObjectOf(json, "podOwnerKind"), "kind"),
                          .kubernetes_service = TextOf(json, "kubernetesService")};
  for (const Json& label : ListOf(json, "labels")) {
    identity.labels.emplace_back(TextOf(label, "key"), TextOf(label, "value"));
  }
  return identity;
}

MapperIntent ReadIntent(const Json& json) {
  MapperIntent intent{.client = ReadIdentity(ObjectOf(json, "client")),
                      .server = ReadIdentity(ObjectOf(json, "server")),
                      .kafka_topics = {},
                      .http_resources = {},
                      .in_aws = TextOf(json, "type") == "AWS",
                      .aws_actions = TextsOf(json, "awsActions"),
                      .aws_roles = TextsOf(json, "awsRoles"),
                      .http = TextOf(json, "type") == "HTTP",
                      .strength = ParseStrength(TextOf(json, "strength"))};
  for (const Json& topic : ListOf(json, "kafkaTopics")) {
    intent.kafka_topics.push_back(
        {.name = TextOf(topic, "name"), .operations = TextsOf(topic, "operations")});
  }
  for (const Json& resource : ListOf(json, "httpResources")) {
    intent.http_resources.push_back(
        {.path = TextOf(resource, "path"), .methods = TextsOf(resource, "methods")});
  }
  return intent;
}

Json ListOrNull(const std::optional<std::string>& label) {
  return label ? Json::array({*label}) : Json();
}

Json OrNull(const std::optional<Time>& time) {
  return time ? Json(FormatRfc3339(*time)) : Json();
}

StatusOr<QueryResult> QueryOldMapper(const QueryTransport& transport, const IntentFilter& filter) {
  Json variables = {{"namespaces", filter.namespaces}};
  std::optional<Json> data;
  if (filter.distinct_by_label) {
    variables["includedLabels"] = ListOrNull(filter.distinct_by_label);
    ASSIGN_OR_RETURN(data, Ask(transport, kServiceIntentsWithLabelsQuery,
                               "ServiceIntentsWithLabels", variables));
    if (!data) {
      return FailedPrecondition(
          "listing intents with labels filter is not supported by your network mapper. Please "
          "upgrade");
    }
  } else {
    ASSIGN_OR_RETURN(
        data, Ask(transport, kServiceIntentsQuery, "ServiceIntentsUpToMapperV017", variables));
    if (!data) {
      return FailedPrecondition(
          "the mapper refuses both the current and the old query (HTTP error status code: 422)");
    }
  }
  QueryResult result;
  result.old_mapper = true;
  for (const Json& group : ListOf(*data, "serviceIntents")) {
    MapperIdentity client = ReadIdentity(ObjectOf(group, "client"));
    for (const Json& server : ListOf(group, "intents")) {
      result.intents.push_back({.client = client,
                                .server = ReadIdentity(server),
                                .kafka_topics = {},
                                .http_resources = {}});
    }
  }
  return result;
}

}  // namespace

StatusOr<QueryResult> QueryIntents(const QueryTransport& transport, const IntentFilter& filter) {
  Json variables = {{"namespaces", filter.namespaces},
                    {"includedLabels", ListOrNull(filter.distinct_by_label)},
                    {"excludeServiceWithLabels", filter.exclude_labels},
                    {"server", nullptr}};
  if (filter.server) {
    variables["server"] = {{"name", filter.server->name}, {"namespace", filter.server->name_space}};
  }
  Json with_span = variables;
  with_span["since"] = OrNull(filter.since);
  with_span["until"] = OrNull(filter.until);
  ASSIGN_OR_RETURN(std::optional<Json> data, Ask(transport, kIntentsQuery, "Intents", with_span));
  if (!data) {
    if (filter.weakest || filter.since || filter.until) {
      return FailedPrecondition(
          "the mapper in the cluster does not know --since, --until and --evidence; it is older "
          "than this command, or not of this project");
    }
    ASSIGN_OR_RETURN(data, Ask(transport, kOriginalIntentsQuery, "Intents", variables));
  }
  if (!data) {
    return QueryOldMapper(transport, filter);
  }
  QueryResult result;
  for (const Json& intent : ListOf(*data, "intents")) {
    MapperIntent read = ReadIntent(intent);
    if (!filter.weakest || read.strength >= filter.weakest) {
      result.intents.push_back(std::move(read));
    }
  }
  return result;
}

Status ResetCapture(const QueryTransport& transport) {
  ASSIGN_OR_RETURN(
      std::optional<Json> data,
      Ask(transport, "mutation ResetCapture { resetCapture }", "ResetCapture", Json()));
  if (!data) {
    return FailedPrecondition(
        "the mapper does not know the operation (HTTP error status code: 422)");
  }
  return OkStatus();
}

StatusOr<uint64_t> ForgetIntents(const QueryTransport& transport, const ForgetFilter& filter) {
  constexpr std::string_view kMutation =
      "mutation ForgetIntents ($namespaces: [String!], $lastSeenBefore: Time) {"
      " forgetIntents(namespaces: $namespaces, lastSeenBefore: $lastSeenBefore) }";
  ASSIGN_OR_RETURN(std::optional<Json> data,
                   Ask(transport, kMutation, "ForgetIntents",
                       {{"namespaces", filter.namespaces},
                        {"lastSeenBefore", OrNull(filter.last_seen_before)}}));
  if (!data) {
    return FailedPrecondition(
        "the mapper in the cluster can forget its whole map only; it is older than this command, "
        "or "
        "not of this project. Nothing was forgotten");
  }
  return CountOf(*data, "forgetIntents");
}

StatusOr<ServerFilter> ParseServerFilter(const std::string& text) {
  size_t dot = text.find('.');
  bool valid = dot != std::string::npos && dot > 0 && dot + 1 < text.size() &&
               text.find('.', dot + 1) == std::string::npos;
  if (!valid) {
    return InvalidArgument("invalid server filter. Expected format: <server-name>.<namespace>");
  }
  return ServerFilter{.name = text.substr(0, dot), .name_space = text.substr(dot + 1)};
}

}  // namespace network_mapper::cli
