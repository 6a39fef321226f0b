#include "mapper/api/output_types.h"

#include <algorithm>
#include <utility>

#include "common/graphql/field_writer.h"
#include "common/time/time_text.h"

namespace network_mapper {

namespace {

using graphql::FieldWriter;
using graphql::ObjectBuilder;
using graphql::Schema;
using graphql::Type;

template <typename Items, typename Write>
void WriteList(FieldWriter& writer, const Items& items, Write write) {
  writer.BeginList();
  for (const auto& item : items) {
    write(item);
  }
  writer.EndList();
}

// A diagnostic of the original that nothing here fills in: the field that would hold it is always
// null.
struct Absent {};

void WriteNull(const Absent&, FieldWriter& writer) {
  writer.Null();
}

const Type* AddResolutionData(Schema& schema) {
  auto fix = schema.AddObject<Absent>("TCPDestResolveBugfixData",
                                      "A diagnostic of the original suite; never given here.");
  fix.Add("isSrcControlPlane", schema.NonNull(schema.Boolean()), "", WriteNull)
      .Add("resolvedUsingIp", schema.NonNull(schema.Boolean()), "", WriteNull);
  auto data = schema.AddObject<Absent>("IdentityResolutionData",
                                       "A diagnostic of the original suite; never given here.");
  for (const char* name : {"host", "podHostname", "procfsHostname"}) {
    data.Add(name, schema.String(), "", WriteNull);
  }
  data.Add("port", schema.Int(), "", WriteNull).Add("isService", schema.Boolean(), "", WriteNull);
  for (const char* name : {"uptime", "lastSeen", "extraInfo"}) {
    data.Add(name, schema.String(), "", WriteNull);
  }
  data.Add("hasLinkerdSidecar", schema.Boolean(), "", WriteNull)
      .Add("tcpDestResolveFixData", fix.Get(), "", WriteNull);
  return data.Get();
}

const Type* AddGroupVersionKind(Schema& schema) {
  auto type =
      schema.AddObject<GroupVersionKind>("GroupVersionKind", "A kind of the Kubernetes API.");
  type.Add("group", schema.String(), "Null for the core group.",
           [](const GroupVersionKind& kind, FieldWriter& writer) {
             kind.group.empty() ? writer.Null() : writer.String(kind.group);
           })
      .Add("version", schema.NonNull(schema.String()), "",
           [](const GroupVersionKind& kind, FieldWriter& writer) { writer.String(kind.version); })
      .Add("kind", schema.NonNull(schema.String()), "",
           [](const GroupVersionKind& kind, FieldWriter& writer) { writer.String(kind.kind); });
  return type.Get();
}

bool Shown(const LabelChoice& choice, const std::string& key) {
  return choice.all || std::find(choice.keys.begin(), choice.keys.end(), key) != choice.keys.end();
}

const Type* AddIdentity(Schema& schema) {
  using Label = std::pair<std::string, std::string>;
  auto label = schema.AddObject<Label>("PodLabel", "A label of a pod.");
  label
      .Add("key", schema.NonNull(schema.String()), "",
           [](const Label& source, FieldWriter& writer) { writer.String(source.first); })
      .Add("value", schema.NonNull(schema.String()), "",
           [](const Label& source, FieldWriter& writer) { writer.String(source.second); });
  const Type* resolution_data = AddResolutionData(schema);
  const Type* kind = AddGroupVersionKind(schema);
  auto identity = schema.AddObject<IdentityView>("OtterizeServiceIdentity",
                                                 "A workload, as its team calls it.");
  identity
      .Add("name", schema.NonNull(schema.String()), "",
           [](const IdentityView& view, FieldWriter& writer) {
             writer.String(view.workload.identity->name);
           })
      .Add("namespace", schema.NonNull(schema.String()), "",
           [](const IdentityView& view, FieldWriter& writer) {
             writer.String(view.workload.identity->name_space);
           })
      .Add("labels", schema.ListOf(schema.NonNull(label.Get())),
           "Those asked for by includeLabels.",
           [](const IdentityView& view, FieldWriter& writer) {
             if (view.workload.labels == nullptr) {
               writer.Null();
               return;
             }
             WriteList(writer, *view.workload.labels, [&](const Label& one) {
               if (Shown(view.labels, one.first)) {
                 writer.Object(one);
               }
             });
           })
      .Add("nameResolvedUsingAnnotation", schema.Boolean(), "",
           [](const IdentityView& view, FieldWriter& writer) {
             writer.Bool(view.workload.identity->named_by_override);
           })
      .Add("resolutionData", resolution_data, "",
           [](const IdentityView&, FieldWriter& writer) { writer.Null(); })
      .Add("podOwnerKind", kind, "",
           [](const IdentityView& view, FieldWriter& writer) {
             const auto& owner = view.workload.identity->owner_kind;
             if (owner) {
               writer.Object(*owner);
             } else {
               writer.Null();
             }
           })
      .Add("kubernetesService", schema.String(), "",
           [](const IdentityView& view, FieldWriter& writer) {
             view.kubernetes_service == nullptr ? writer.Null()
                                                : writer.String(*view.kubernetes_service);
           });
  return identity.Get();
}

const Type* AddKafkaConfig(Schema& schema, const Type* kafka_operation) {
  auto type = schema.AddObject<KafkaTopicUse>("KafkaConfig", "A topic and what is done with it.");
  type.Add("name", schema.NonNull(schema.String()), "",
           [](const KafkaTopicUse& use, FieldWriter& writer) { writer.String(use.topic); })
      .Add("operations", schema.ListOf(schema.NonNull(kafka_operation)), "",
           [](const KafkaTopicUse& use, FieldWriter& writer) {
             WriteList(writer, use.operations,
                       [&](KafkaOperation one) { writer.String(KafkaOperationName(one)); });
           });
  return type.Get();
}

const Type* AddHttpResource(Schema& schema, const Type* http_method) {
  auto type = schema.AddObject<HttpResourceUse>("HttpResource", "A path and its methods.");
  type.Add("path", schema.NonNull(schema.String()), "",
           [](const HttpResourceUse& use, FieldWriter& writer) { writer.String(use.path); })
      .Add("methods", schema.ListOf(schema.NonNull(http_method)), "",
           [](const HttpResourceUse& use, FieldWriter& writer) {
             WriteList(writer, use.methods,
                       [&](HttpMethod one) { writer.String(HttpMethodName(one)); });
           });
  return type.Get();
}

struct EvidenceTypes {
  const Type* strength;
  const Type* time;
};

std::string StrengthEnumName(Strength strength) {
  std::string name(StrengthName(strength));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return static_cast<char>(c - 'a' + 'A'); });
  return name;
}

void WritePorts(FieldWriter& writer, const std::vector<PortSeen>& ports) {
  WriteList(writer, ports, [&](const PortSeen& port) { writer.Int(port.number); });
}

// Adds a list of distinct, not empty texts, one of each sample.
template <typename TextOf>
void WriteSamples(FieldWriter& writer, const Evidence& evidence, TextOf text_of) {
  std::vector<std::string> texts;
  for (const EvidenceSample& sample : evidence.samples) {
    std::string text = text_of(sample);
    if (!text.empty() && std::find(texts.begin(), texts.end(), text) == texts.end()) {
      texts.push_back(std::move(text));
    }
  }
  WriteList(writer, texts, [&](const std::string& text) { writer.String(text); });
}

const Type* AddEvidence(Schema& schema, const EvidenceTypes& types) {
  const Type* texts = schema.NonNull(schema.ListOf(schema.NonNull(schema.String())));
  auto type = schema.AddObject<Evidence>(
      "Evidence", "Why an intent is on the map: what one collector saw of it.");
  type.Add("collector", schema.NonNull(schema.String()),
           "dns, tcp_syn, socket_scan, kafka, istio or aws.",
           [](const Evidence& source, FieldWriter& writer) {
             writer.String(CollectorName(source.collector));
           })
      .Add("strength", schema.NonNull(types.strength), "",
           [](const Evidence& source, FieldWriter& writer) {
             writer.String(StrengthEnumName(source.strength));
           })
      .Add("firstSeen", schema.NonNull(types.time), "",
           [](const Evidence& source, FieldWriter& writer) {
             writer.String(FormatRfc3339(source.first_seen));
           })
      .Add("lastSeen", schema.NonNull(types.time), "",
           [](const Evidence& source, FieldWriter& writer) {
             writer.String(FormatRfc3339(source.last_seen));
           })
      .Add("count", schema.NonNull(schema.Int()), "How often it was seen.",
           [](const Evidence& source, FieldWriter& writer) {
             writer.Int(static_cast<int64_t>(source.count));
           })
      .Add("answered", schema.NonNull(schema.Int()), "How many SYNs were answered.",
           [](const Evidence& source, FieldWriter& writer) {
             writer.Int(static_cast<int64_t>(source.answered));
           })
      .Add("sharedCount", schema.NonNull(schema.Int()),
           "The part of count that went to a service with several workloads behind it.",
           [](const Evidence& source, FieldWriter& writer) {
             writer.Int(static_cast<int64_t>(source.shared_count));
           })
      .Add("ports", schema.NonNull(schema.ListOf(schema.NonNull(schema.Int()))), "",
           [](const Evidence& source, FieldWriter& writer) { WritePorts(writer, source.ports); })
      .Add("clientPods", texts, "A sample.",
           [](const Evidence& source, FieldWriter& writer) {
             WriteSamples(writer, source, [](const EvidenceSample& sample) {
               return sample.client_pod == nullptr ? std::string() : *sample.client_pod;
             });
           })
      .Add("serverPods", texts, "A sample.",
           [](const Evidence& source, FieldWriter& writer) {
             WriteSamples(writer, source, [](const EvidenceSample& sample) {
               return sample.server_pod == nullptr ? std::string() : *sample.server_pod;
             });
           })
      .Add("serverAddresses", texts, "A sample.", [](const Evidence& source, FieldWriter& writer) {
        WriteSamples(writer, source, [](const EvidenceSample& sample) {
          return sample.server_address ? sample.server_address->ToString() : std::string();
        });
      });
  return type.Get();
}

void WriteIdentity(FieldWriter& writer, const Workload& workload, const std::string* service,
                   const LabelChoice& labels) {
  writer.Object(
      IdentityView{.workload = workload, .kubernetes_service = service, .labels = labels});
}

void WriteAwsTexts(const IntentView& view, std::vector<std::string> IntentDetails::*texts,
                   FieldWriter& writer) {
  if (view.intent.type != IntentType::kAws || view.intent.details == nullptr) {
    writer.Null();
    return;
  }
  WriteList(writer, view.intent.details.get()->*texts,
            [&](const std::string& text) { writer.String(text); });
}

void AddOldIntentFields(Schema& schema, ObjectBuilder<IntentView>& intent, const Type* identity,
                        const Type* kafka_operation, const Type* http_method) {
  const Type* type = schema.AddEnum("IntentType", "", {"HTTP", "KAFKA", "DATABASE", "AWS", "S3"});
  const Type* kafka = AddKafkaConfig(schema, kafka_operation);
  const Type* http = AddHttpResource(schema, http_method);
  intent
      .Add("client", schema.NonNull(identity), "",
           [](const IntentView& view, FieldWriter& writer) {
             WriteIdentity(writer, view.intent.client, nullptr, view.labels);
           })
      .Add("server", schema.NonNull(identity), "",
           [](const IntentView& view, FieldWriter& writer) {
             WriteIdentity(writer, view.intent.server, view.intent.kubernetes_service.get(),
                           view.labels);
           })
      .Add("type", type, "Null for what is known as a connection only.",
           [](const IntentView& view, FieldWriter& writer) {
             view.intent.type ? writer.String(IntentTypeName(*view.intent.type)) : writer.Null();
           })
      .Add("resolutionData", schema.String(), "Which rule saw it first.",
           [](const IntentView& view, FieldWriter& writer) {
             writer.String(ResolutionText(view.intent.resolution));
           })
      .Add("kafkaTopics", schema.ListOf(schema.NonNull(kafka)), "",
           [](const IntentView& view, FieldWriter& writer) {
             if (view.intent.type != IntentType::kKafka || view.intent.details == nullptr) {
               writer.Null();
               return;
             }
             WriteList(writer, view.intent.details->kafka_topics,
                       [&](const KafkaTopicUse& use) { writer.Object(use); });
           })
      .Add("httpResources", schema.ListOf(schema.NonNull(http)), "",
           [](const IntentView& view, FieldWriter& writer) {
             if (view.intent.type != IntentType::kHttp || view.intent.details == nullptr) {
               writer.Null();
               return;
             }
             WriteList(writer, view.intent.details->http_resources,
                       [&](const HttpResourceUse& use) { writer.Object(use); });
           })
      .Add("awsActions", schema.ListOf(schema.NonNull(schema.String())), "",
           [](const IntentView& view, FieldWriter& writer) {
             WriteAwsTexts(view, &IntentDetails::aws_actions, writer);
           });
}

void AddNewIntentFields(Schema& schema, ObjectBuilder<IntentView>& intent, const Type* time) {
  const Type* strength = schema.AddEnum("Strength", "How sure an intent is, weakest first.",
                                        {"RESOLVED", "ATTEMPTED", "CONNECTED", "USED"});
  const Type* evidence = AddEvidence(schema, {.strength = strength, .time = time});
  intent
      .Add("firstSeen", schema.NonNull(time), "",
           [](const IntentView& view, FieldWriter& writer) {
             writer.String(FormatRfc3339(view.intent.first_seen));
           })
      .Add("lastSeen", schema.NonNull(time), "",
           [](const IntentView& view, FieldWriter& writer) {
             writer.String(FormatRfc3339(view.intent.last_seen));
           })
      .Add("count", schema.NonNull(schema.Int()),
           "How often it was seen, by all collectors together.",
           [](const IntentView& view, FieldWriter& writer) {
             writer.Int(static_cast<int64_t>(view.intent.Count()));
           })
      .Add("ports", schema.NonNull(schema.ListOf(schema.NonNull(schema.Int()))),
           "As the client addressed them.",
           [](const IntentView& view, FieldWriter& writer) {
             WritePorts(writer, view.intent.Ports());
           })
      .Add("protocol", schema.String(), "TCP or UDP; null when no port was seen.",
           [](const IntentView& view, FieldWriter& writer) {
             std::vector<PortSeen> ports = view.intent.Ports();
             if (ports.empty()) {
               writer.Null();
             } else {
               writer.String(ports.front().protocol == Protocol::kTcp ? "TCP" : "UDP");
             }
           })
      .Add("awsRegions", schema.ListOf(schema.NonNull(schema.String())),
           "Where AWS was asked for the actions.",
           [](const IntentView& view, FieldWriter& writer) {
             WriteAwsTexts(view, &IntentDetails::aws_regions, writer);
           })
      .Add("awsRoles", schema.ListOf(schema.NonNull(schema.String())),
           "ARNs of the IAM roles that asked, where they are known.",
           [](const IntentView& view, FieldWriter& writer) {
             WriteAwsTexts(view, &IntentDetails::aws_roles, writer);
           })
      .Add("strength", schema.NonNull(strength), "The strongest of its evidence.",
           [](const IntentView& view, FieldWriter& writer) {
             writer.String(StrengthEnumName(view.intent.BestStrength()));
           })
      .Add("evidence", schema.NonNull(schema.ListOf(schema.NonNull(evidence))),
           "One entry a collector.", [](const IntentView& view, FieldWriter& writer) {
             WriteList(writer, view.intent.evidence,
                       [&](const Evidence& one) { writer.Object(one); });
           });
}

}  // namespace

OutputTypes AddOutputTypes(Schema& schema, const Type* kafka_operation, const Type* http_method,
                           const Type* time) {
  const Type* identity = AddIdentity(schema);
  auto intent =
      schema.AddObject<IntentView>("Intent", "A client workload reaches for a server workload.");
  AddOldIntentFields(schema, intent, identity, kafka_operation, http_method);
  AddNewIntentFields(schema, intent, time);
  auto group =
      schema.AddObject<ServiceIntentsView>("ServiceIntents", "A client and all its servers.");
  group
      .Add("client", schema.NonNull(identity), "",
           [](const ServiceIntentsView& view, FieldWriter& writer) { writer.Object(view.client); })
      .Add("intents", schema.NonNull(schema.ListOf(schema.NonNull(identity))), "",
           [](const ServiceIntentsView& view, FieldWriter& writer) {
             WriteList(writer, view.servers,
                       [&](const IdentityView& server) { writer.Object(server); });
           });
  return {.intent = intent.Get(), .service_intents = group.Get()};
}

}  // namespace network_mapper
