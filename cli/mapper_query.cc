#include "cli/mapper_query.h"

#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

namespace network_mapper::cli {

namespace {

using Json = nlohmann::json;

constexpr int kOk = 200;
constexpr int kUnprocessable = 422;

constexpr std::string_view kIntentsQuery = R"(
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

// A null or missing text is empty.
std::string Text(const Json& object, const char* key) {
  auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// A null or missing list is empty.
const Json& List(const Json& object, const char* key) {
  static const Json empty = Json::array();
  auto found = object.find(key);
  return found != object.end() && found->is_array() ? *found : empty;
}

const Json& Object(const Json& object, const char* key) {
  static const Json empty = Json::object();
  auto found = object.find(key);
  return found != object.end() && found->is_object() ? *found : empty;
}

std::vector<std::string> Texts(const Json& object, const char* key) {
  std::vector<std::string> texts;
  for (const Json& item : List(object, key)) {
    if (item.is_string()) {
      texts.push_back(item.get<std::string>());
    }
  }
  return texts;
}

MapperIdentity ReadIdentity(const Json& json) {
  MapperIdentity identity{.name = Text(json, "name"),
                          .name_space = Text(json, "namespace"),
                          .labels = {},
                          .kind = Text(Object(json, "podOwnerKind"), "kind"),
                          .kubernetes_service = Text(json, "kubernetesService")};
  for (const Json& label : List(json, "labels")) {
    identity.labels.emplace_back(Text(label, "key"), Text(label, "value"));
  }
  return identity;
}

MapperIntent ReadIntent(const Json& json) {
  MapperIntent intent{.client = ReadIdentity(Object(json, "client")),
                      .server = ReadIdentity(Object(json, "server")),
                      .kafka_topics = {},
                      .http_resources = {}};
  for (const Json& topic : List(json, "kafkaTopics")) {
    intent.kafka_topics.push_back(
        {.name = Text(topic, "name"), .operations = Texts(topic, "operations")});
  }
  for (const Json& resource : List(json, "httpResources")) {
    intent.http_resources.push_back(
        {.path = Text(resource, "path"), .methods = Texts(resource, "methods")});
  }
  return intent;
}

// The messages of a GraphQL error body, or the body's beginning.
std::string ErrorText(const Json& answer, const std::string& body) {
  constexpr size_t kLongest = 300;
  if (answer.is_object()) {
    std::string messages;
    for (const Json& error : List(answer, "errors")) {
      messages += (messages.empty() ? "" : "; ") + Text(error, "message");
    }
    if (!messages.empty()) {
      return messages;
    }
    if (std::string message = Text(answer, "message"); !message.empty()) {
      return message;
    }
  }
  return body.substr(0, kLongest);
}

// `data` of a successful answer; absent when the mapper does not know the query (422).
StatusOr<std::optional<Json>> Ask(const QueryTransport& transport, std::string_view query,
                                  const char* operation, const Json& variables) {
  Json request = {{"query", query}, {"operationName", operation}};
  if (!variables.is_null()) {
    request["variables"] = variables;
  }
  ASSIGN_OR_RETURN(HttpReply reply,
                   transport(request.dump(-1, ' ', false, Json::error_handler_t::replace)));
  if (reply.status == kUnprocessable) {
    return std::optional<Json>();
  }
  Json answer = Json::parse(reply.body, nullptr, false);
  if (reply.status != kOk) {
    return Unavailable("the mapper answered: {} (HTTP error status code: {})",
                       ErrorText(answer, reply.body), reply.status);
  }
  if (!answer.is_object()) {
    return Unavailable("the mapper's answer is not JSON: {}", ErrorText(Json(), reply.body));
  }
  if (!List(answer, "errors").empty()) {
    return Unavailable("the mapper answered with an error: {}", ErrorText(answer, reply.body));
  }
  // Moved out: a copy of a large map's tree takes as long as reading it.
  auto data = answer.find("data");
  return std::optional<Json>(data != answer.end() && data->is_object() ? std::move(*data)
                                                                       : Json::object());
}

Json OrNull(const std::optional<std::string>& label) {
  return label ? Json::array({*label}) : Json();
}

StatusOr<QueryResult> QueryOldMapper(const QueryTransport& transport, const IntentFilter& filter) {
  Json variables = {{"namespaces", filter.namespaces}};
  std::optional<Json> data;
  if (filter.distinct_by_label) {
    variables["includedLabels"] = OrNull(filter.distinct_by_label);
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
  for (const Json& group : List(*data, "serviceIntents")) {
    MapperIdentity client = ReadIdentity(Object(group, "client"));
    for (const Json& server : List(group, "intents")) {
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
                    {"includedLabels", OrNull(filter.distinct_by_label)},
                    {"excludeServiceWithLabels", filter.exclude_labels},
                    {"server", nullptr}};
  if (filter.server) {
    variables["server"] = {{"name", filter.server->name}, {"namespace", filter.server->name_space}};
  }
  ASSIGN_OR_RETURN(std::optional<Json> data, Ask(transport, kIntentsQuery, "Intents", variables));
  if (!data) {
    return QueryOldMapper(transport, filter);
  }
  QueryResult result;
  for (const Json& intent : List(*data, "intents")) {
    result.intents.push_back(ReadIntent(intent));
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
