#include "mapper/api/api_schema.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/graphql/field_writer.h"
#include "common/time/time_text.h"
#include "mapper/api/completeness_type.h"
#include "mapper/api/output_types.h"
#include "mapper/api/report_translation.h"

namespace network_mapper {

namespace {

using graphql::Arguments;
using graphql::FieldWriter;
using graphql::InputField;
using graphql::ObjectBuilder;
using graphql::Schema;
using graphql::Type;
using graphql::Value;

InputField Input(std::string name, const Type* type) {
  return {.name = std::move(name), .type = type, .description = "", .default_value = std::nullopt};
}

std::vector<std::string> TextsOf(const Arguments& arguments, std::string_view name) {
  const Value* value = arguments.Find(name);
  return value == nullptr ? std::vector<std::string>() : value->Texts();
}

// "key=value"; without "=" the value is empty, and what follows a second "=" does not count.
std::vector<std::pair<std::string, std::string>> ParseLabels(
    const std::vector<std::string>& texts) {
  std::map<std::string, std::string> labels;
  for (const std::string& text : texts) {
    size_t equals = text.find('=');
    std::string value = equals == std::string::npos ? "" : text.substr(equals + 1);
    labels[text.substr(0, equals)] = value.substr(0, value.find('='));
  }
  return {labels.begin(), labels.end()};
}

StatusOr<std::optional<Time>> TimeOf(const Arguments& arguments, const char* name) {
  const Value* value = arguments.Find(name);
  if (value == nullptr) {
    return std::optional<Time>();
  }
  std::optional<Time> time = ParseRfc3339(value->Text().value_or(""));
  if (!time) {
    return InvalidArgument("{} is no time as RFC 3339 has it: {}", name, PrintValue(*value));
  }
  return time;
}

StatusOr<IntentFilter> FilterOf(const Arguments& arguments) {
  IntentFilter filter;
  ASSIGN_OR_RETURN(filter.since, TimeOf(arguments, "since"));
  ASSIGN_OR_RETURN(filter.until, TimeOf(arguments, "until"));
  filter.client_namespaces = TextsOf(arguments, "namespaces");
  filter.exclude_labels = ParseLabels(TextsOf(arguments, "excludeServiceWithLabels"));
  if (const Value* server = arguments.Find("server")) {
    filter.server =
        IntentFilter::Name{.name = server->Field("name")->Text().value_or(""),
                           .name_space = server->Field("namespace")->Text().value_or("")};
  }
  return filter;
}

LabelChoice LabelsOf(const Arguments& arguments) {
  return {.all = arguments.Bool("includeAllLabels"), .keys = TextsOf(arguments, "includeLabels")};
}

// One client of serviceIntents, kept while the groups are made.
struct ServiceGroup {
  Workload client;
  std::vector<std::pair<Workload, SharedText>> servers;
};

bool SameName(const Workload& a, const Workload& b) {
  return a.identity->name == b.identity->name && a.identity->name_space == b.identity->name_space;
}

// The visit's order brings equal clients, and equal servers of a client, together. Without AWS,
// whose resources are no workloads.
std::vector<ServiceGroup> GroupByClient(const IntentStore& store, const IntentFilter& filter) {
  std::vector<ServiceGroup> groups;
  store.Visit(filter, [&groups](const Intent& intent) {
    if (intent.type == IntentType::kAws) {
      return true;
    }
    if (groups.empty() || !SameName(groups.back().client, intent.client)) {
      groups.push_back({.client = intent.client, .servers = {}});
    }
    auto& servers = groups.back().servers;
    if (servers.empty() || !SameName(servers.back().first, intent.server)) {
      servers.emplace_back(intent.server, intent.kubernetes_service);
    }
    return true;
  });
  return groups;
}

Status WriteServiceIntents(const ApiRoot& root, const Arguments& arguments, FieldWriter& writer) {
  LabelChoice labels = LabelsOf(arguments);
  ASSIGN_OR_RETURN(IntentFilter filter, FilterOf(arguments));
  std::vector<ServiceGroup> groups = GroupByClient(root.store, filter);
  writer.BeginList();
  for (const ServiceGroup& group : groups) {
    ServiceIntentsView view{
        .client = {.workload = group.client, .kubernetes_service = nullptr, .labels = labels},
        .servers = {}};
    for (const auto& [server, service] : group.servers) {
      view.servers.push_back(
          {.workload = server, .kubernetes_service = service.get(), .labels = labels});
    }
    writer.Object(view);
  }
  writer.EndList();
  return OkStatus();
}

Status WriteIntents(const ApiRoot& root, const Arguments& arguments, FieldWriter& writer) {
  LabelChoice labels = LabelsOf(arguments);
  ASSIGN_OR_RETURN(IntentFilter filter, FilterOf(arguments));
  // Who does not ask for actions, as the original's clients do, would take resources for workloads.
  const bool with_aws = writer.Selects("awsActions");
  writer.BeginList();
  root.store.Visit(filter, [&](const Intent& intent) {
    if (intent.type == IntentType::kAws && !with_aws) {
      return true;
    }
    return writer.Object(IntentView{.intent = intent, .labels = labels});
  });
  writer.EndList();
  return OkStatus();
}

Status ForgetIntents(const ApiRoot& root, const Arguments& arguments, FieldWriter& writer) {
  IntentSelection selection;
  selection.client_namespaces = TextsOf(arguments, "namespaces");
  ASSIGN_OR_RETURN(selection.last_seen_before, TimeOf(arguments, "lastSeenBefore"));
  // So that a filter that was lost on the way does not forget everything.
  if (selection.client_namespaces.empty() && !selection.last_seen_before) {
    return InvalidArgument(
        "neither namespaces nor lastSeenBefore was given; resetCapture forgets the whole map");
  }
  ASSIGN_OR_RETURN(const size_t forgotten, root.store.Forget(selection, root.clock.Now()));
  writer.Int(static_cast<int64_t>(forgotten));
  return OkStatus();
}

// Hands a report to the pipeline; false, as in the original, when it is full.
Status Submit(const ApiRoot& root, StatusOr<TranslatedReport> report, FieldWriter& writer) {
  RETURN_IF_ERROR(report.status());
  LeaveOutRefused(*report);
  root.metrics.malformed_observations.Increment(static_cast<double>(report->malformed));
  if (!root.sink.HasRoom()) {
    root.metrics.full_reports.Increment();
    writer.Bool(false);
    return OkStatus();
  }
  root.metrics.observations.Increment(static_cast<double>(report->observations.size()));
  if (!report->observations.empty() || report->malformed > 0) {
    ObservationBatch batch;
    batch.component = "graphql";
    batch.unreadable = report->malformed;
    batch.observations = std::move(report->observations);
    root.sink.Submit(
        std::move(batch), [] {}, [] {});
  }
  writer.Bool(true);
  return OkStatus();
}

using Translate = StatusOr<TranslatedReport> (*)(const Value&);

void AddReport(Schema& schema, ObjectBuilder<ApiRoot>& mutation, const char* name,
               const Type* input, Translate translate) {
  mutation.AddWithArguments(
      name, schema.NonNull(schema.Boolean()), {Input("results", schema.NonNull(input))},
      "A report of an original collector; false when the mapper is full.",
      [translate](const ApiRoot& root, const Arguments& arguments, FieldWriter& writer) {
        return Submit(root, translate(*arguments.Find("results")), writer);
      });
}

// Accepted so that original collectors do not fail; counted, without effect.
void AddUnsupportedReport(Schema& schema, ObjectBuilder<ApiRoot>& mutation, const char* name,
                          InputField argument) {
  mutation.AddWithArguments(name, schema.NonNull(schema.Boolean()), {std::move(argument)},
                            "Accepted and counted, without effect.",
                            [](const ApiRoot& root, const Arguments&, FieldWriter& writer) {
                              root.metrics.unsupported_reports.Increment();
                              writer.Bool(true);
                              return OkStatus();
                            });
}

struct ScalarTypes {
  const Type* text;
  const Type* texts;
  const Type* number;
  const Type* time;
  const Type* optional_time;
};

// An input type with the one field that all report inputs have: results, a list.
const Type* AddResults(Schema& schema, const char* name, const Type* item) {
  return schema.AddInput(name, "",
                         {Input("results", schema.NonNull(schema.ListOf(schema.NonNull(item))))});
}

void AddTrafficReports(Schema& schema, ObjectBuilder<ApiRoot>& mutation, const ScalarTypes& types) {
  const Type* destination =
      schema.AddInput("Destination", "",
                      {Input("destination", types.text), Input("destinationIP", schema.String()),
                       Input("destinationPort", schema.Int()), Input("TTL", schema.Int()),
                       Input("lastSeen", types.time),
                       Input("srcPorts", schema.ListOf(schema.NonNull(schema.Int())))});
  const Type* recorded = schema.AddInput(
      "RecordedDestinationsForSrc", "",
      {Input("srcIp", types.text), Input("srcHostname", types.text),
       Input("destinations", schema.NonNull(schema.ListOf(schema.NonNull(destination))))});
  AddReport(schema, mutation, "reportCaptureResults",
            AddResults(schema, "CaptureResults", recorded), TranslateDnsReport);
  AddReport(schema, mutation, "reportTCPCaptureResults",
            AddResults(schema, "CaptureTCPResults", recorded), TranslateTcpReport);
  AddReport(schema, mutation, "reportSocketScanResults",
            AddResults(schema, "SocketScanResults", recorded), TranslateSocketScanReport);
}

void AddOperationReports(Schema& schema, ObjectBuilder<ApiRoot>& mutation, const ScalarTypes& types,
                         const Type* http_method) {
  const Type* kafka =
      schema.AddInput("KafkaMapperResult", "",
                      {Input("srcIp", types.text), Input("serverPodName", types.text),
                       Input("serverNamespace", types.text), Input("topic", types.text),
                       Input("operation", types.text), Input("lastSeen", types.time)});
  AddReport(schema, mutation, "reportKafkaMapperResults",
            AddResults(schema, "KafkaMapperResults", kafka), TranslateKafkaReport);
  const Type* istio =
      schema.AddInput("IstioConnection", "",
                      {Input("srcWorkload", types.text), Input("srcWorkloadNamespace", types.text),
                       Input("dstWorkload", types.text), Input("dstServiceName", types.text),
                       Input("dstWorkloadNamespace", types.text), Input("path", types.text),
                       Input("methods", schema.NonNull(schema.ListOf(schema.NonNull(http_method)))),
                       Input("lastSeen", types.time)});
  AddReport(schema, mutation, "reportIstioConnectionResults",
            AddResults(schema, "IstioConnectionResults", istio), TranslateIstioReport);
}

void AddCloudReports(Schema& schema, ObjectBuilder<ApiRoot>& mutation, const ScalarTypes& types) {
  const Type* name = schema.AddInput("NamespacedName", "",
                                     {Input("name", types.text), Input("namespace", types.text)});
  auto list_argument = [&schema](const Type* item) {
    return Input("operation", schema.NonNull(schema.ListOf(schema.NonNull(item))));
  };
  const Type* aws = schema.AddInput(
      "AWSOperation", "",
      {Input("resource", types.text), Input("actions", types.texts),
       Input("srcIp", schema.String()), Input("iamRole", schema.String()), Input("client", name)});
  mutation.AddWithArguments(
      "reportAWSOperation", schema.NonNull(schema.Boolean()), {list_argument(aws)},
      "IAM actions of workloads; false when the mapper is full.",
      [](const ApiRoot& root, const Arguments& arguments, FieldWriter& writer) {
        return Submit(root, TranslateAwsReport(*arguments.Find("operation"), root.clock.Now()),
                      writer);
      });
  const Type* azure = schema.AddInput(
      "AzureOperation", "",
      {Input("scope", types.text), Input("actions", types.texts), Input("dataActions", types.texts),
       Input("clientName", types.text), Input("clientNamespace", types.text)});
  AddUnsupportedReport(schema, mutation, "reportAzureOperation", list_argument(azure));
  const Type* gcp =
      schema.AddInput("GCPOperation", "",
                      {Input("resource", types.text), Input("permissions", types.texts),
                       Input("srcIp", schema.String()), Input("client", name)});
  AddUnsupportedReport(schema, mutation, "reportGCPOperation", list_argument(gcp));
  const Type* level =
      schema.AddInput("TrafficLevelResult", "",
                      {Input("srcIP", types.text), Input("dstIP", types.text),
                       Input("bytesSent", types.number), Input("flows", types.number)});
  AddUnsupportedReport(
      schema, mutation, "reportTrafficLevelResults",
      Input("results", schema.NonNull(AddResults(schema, "TrafficLevelResults", level))));
}

void AddQueries(Schema& schema, const OutputTypes& outputs, const ScalarTypes& types) {
  const Type* completeness = AddCompletenessType(schema, types.optional_time);
  const Type* names = schema.ListOf(types.text);
  const Type* server = schema.AddInput("ServerFilter", "",
                                       {Input("name", types.text), Input("namespace", types.text)});
  InputField since = Input("since", types.optional_time);
  since.description = "Only what was seen then or later.";
  InputField until = Input("until", types.optional_time);
  until.description = "Only what was seen then or earlier.";
  auto query = schema.AddObject<ApiRoot>("Query", "");
  query
      .AddWithArguments("serviceIntents",
                        schema.NonNull(schema.ListOf(schema.NonNull(outputs.service_intents))),
                        {Input("namespaces", names), Input("includeLabels", names),
                         Input("includeAllLabels", schema.Boolean()), since, until},
                        "Clients and their servers, without detail.", WriteServiceIntents)
      .AddWithArguments(
          "intents", schema.NonNull(schema.ListOf(schema.NonNull(outputs.intent))),
          {Input("namespaces", names), Input("includeLabels", names),
           Input("excludeServiceWithLabels", names), Input("includeAllLabels", schema.Boolean()),
           Input("server", server), since, until},
          "The map, ordered by client and server. What workloads do in AWS is among it if "
          "awsActions "
          "is selected; the server's name is then a resource's ARN.",
          WriteIntents)
      .Add("health", schema.NonNull(schema.Boolean()), "Always true.",
           [](const ApiRoot&, FieldWriter& writer) { writer.Bool(true); })
      .Add("completeness", schema.NonNull(completeness), "How complete the map is.",
           [](const ApiRoot& root, FieldWriter& writer) { writer.Object(root.completeness()); });
  schema.SetQuery(query.Get());
}

}  // namespace

void BuildApiSchema(Schema& schema) {
  const Type* time = schema.AddScalar("Time", "A time as RFC 3339 has it.");
  const Type* kafka_operation =
      schema.AddEnum("KafkaOperation", "",
                     {"ALL", "CONSUME", "PRODUCE", "CREATE", "ALTER", "DELETE", "DESCRIBE",
                      "CLUSTER_ACTION", "DESCRIBE_CONFIGS", "ALTER_CONFIGS", "IDEMPOTENT_WRITE"});
  const Type* http_method = schema.AddEnum(
      "HttpMethod", "",
      {"GET", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT", "ALL"});
  ScalarTypes types{.text = schema.NonNull(schema.String()),
                    .texts = schema.NonNull(schema.ListOf(schema.NonNull(schema.String()))),
                    .number = schema.NonNull(schema.Int()),
                    .time = schema.NonNull(time),
                    .optional_time = time};
  AddQueries(schema, AddOutputTypes(schema, kafka_operation, http_method, time), types);
  auto mutation = schema.AddObject<ApiRoot>("Mutation", "");
  mutation.AddWithArguments("resetCapture", schema.NonNull(schema.Boolean()), {},
                            "Forgets the map.",
                            [](const ApiRoot& root, const Arguments&, FieldWriter& writer) {
                              RETURN_IF_ERROR(root.store.Forget({}, root.clock.Now()).status());
                              writer.Bool(true);
                              return OkStatus();
                            });
  mutation.AddWithArguments("forgetIntents", schema.NonNull(schema.Int()),
                            {Input("namespaces", schema.ListOf(types.text)),
                             Input("lastSeenBefore", types.optional_time)},
                            "Forgets the intents that pass everything given, one of which must be: "
                            "client in one of the namespaces, last seen before. Returns how many.",
                            ForgetIntents);
  AddTrafficReports(schema, mutation, types);
  AddOperationReports(schema, mutation, types, http_method);
  AddCloudReports(schema, mutation, types);
  schema.SetMutation(mutation.Get());
}

}  // namespace network_mapper
