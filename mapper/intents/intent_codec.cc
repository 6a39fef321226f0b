#include "mapper/intents/intent_codec.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <utility>
#include <variant>

#include "common/report/observation_codec.h"
#include "network_mapper/v1/report.pb.h"
#include "network_mapper/v1/store.pb.h"

namespace network_mapper {

namespace {

// Stored enumerators are ours plus one; zero is what Protobuf reads where nothing was written.
static_assert(static_cast<int>(Collector::kAws) + 1 == v1::STORED_COLLECTOR_AWS);
static_assert(static_cast<int>(Strength::kUsed) + 1 == v1::STORED_STRENGTH_USED);
static_assert(static_cast<int>(Resolution::kAws) + 1 == v1::STORED_RESOLUTION_AWS);

template <typename Stored, typename Own>
Stored EnumToStored(Own value) {
  return static_cast<Stored>(static_cast<int>(value) + 1);
}

// Absent: an enumerator that this program does not know.
template <typename Own>
std::optional<Own> FromStored(int value, Own last) {
  if (value < 1 || value > static_cast<int>(last) + 1) {
    return std::nullopt;
  }
  return static_cast<Own>(value - 1);
}

Time FromStored(int64_t nanoseconds) {
  return Time(std::chrono::nanoseconds(nanoseconds));
}

SharedText ToShared(bool known, const std::string& text) {
  return known ? std::make_shared<const std::string>(text) : nullptr;
}

std::optional<KafkaOperation> ParseKafkaOperation(std::string_view text) {
  for (int value = 0; value <= static_cast<int>(KafkaOperation::kIdempotentWrite); ++value) {
    if (const auto operation = static_cast<KafkaOperation>(value);
        KafkaOperationName(operation) == text) {
      return operation;
    }
  }
  return std::nullopt;
}

std::string_view ToView(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<const uint8_t> ToSpan(const std::string& bytes) {
  return {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
}

void Encode(const EvidenceSample& sample, v1::StoredSample& stored) {
  if (sample.client_pod != nullptr) {
    stored.set_client_pod(*sample.client_pod);
  }
  if (sample.server_pod != nullptr) {
    stored.set_server_pod(*sample.server_pod);
  }
  if (sample.server_address) {
    stored.set_server_address(std::string(ToView(sample.server_address->Bytes())));
  }
}

EvidenceSample Decode(const v1::StoredSample& stored) {
  return {.client_pod = ToShared(stored.has_client_pod(), stored.client_pod()),
          .server_pod = ToShared(stored.has_server_pod(), stored.server_pod()),
          .server_address = IpAddress::FromBytes(ToSpan(stored.server_address()))};
}

void Encode(const Evidence& evidence, v1::StoredEvidence& stored) {
  stored.set_collector(EnumToStored<v1::StoredCollector>(evidence.collector));
  stored.set_strength(EnumToStored<v1::StoredStrength>(evidence.strength));
  stored.set_first_seen(ToStored(evidence.first_seen));
  stored.set_last_seen(ToStored(evidence.last_seen));
  stored.set_count(evidence.count);
  stored.set_answered(evidence.answered);
  stored.set_shared_count(evidence.shared_count);
  for (const PortSeen& port : evidence.ports) {
    if (port.protocol == Protocol::kUdp) {
      stored.add_udp_ports(port.number);
    } else {
      stored.add_tcp_ports(port.number);
    }
  }
  for (const EvidenceSample& sample : evidence.samples) {
    Encode(sample, *stored.add_samples());
  }
  stored.set_sampled_at(ToStored(evidence.sampled_at));
}

std::optional<Evidence> Decode(const v1::StoredEvidence& stored) {
  Evidence evidence;
  const auto collector = FromStored(stored.collector(), Collector::kAws);
  const auto strength = FromStored(stored.strength(), Strength::kUsed);
  if (!collector || !strength) {
    return std::nullopt;
  }
  evidence.collector = *collector;
  evidence.strength = *strength;
  evidence.first_seen = FromStored(stored.first_seen());
  evidence.last_seen = FromStored(stored.last_seen());
  evidence.count = stored.count();
  evidence.answered = stored.answered();
  evidence.shared_count = stored.shared_count();
  for (const uint32_t number : stored.tcp_ports()) {
    evidence.ports.push_back({static_cast<uint16_t>(number), Protocol::kTcp});
  }
  for (const uint32_t number : stored.udp_ports()) {
    evidence.ports.push_back({static_cast<uint16_t>(number), Protocol::kUdp});
  }
  std::sort(evidence.ports.begin(), evidence.ports.end());
  for (const v1::StoredSample& sample : stored.samples()) {
    evidence.samples.push_back(Decode(sample));
  }
  evidence.sampled_at = FromStored(stored.sampled_at());
  return evidence;
}

void Encode(const IntentDetails& details, v1::StoredIntent& stored) {
  for (const KafkaTopicUse& use : details.kafka_topics) {
    v1::StoredKafkaTopic& topic = *stored.add_kafka_topics();
    topic.set_topic(use.topic);
    for (const KafkaOperation operation : use.operations) {
      topic.add_operations(std::string(KafkaOperationName(operation)));
    }
  }
  for (const HttpResourceUse& use : details.http_resources) {
    v1::StoredHttpResource& resource = *stored.add_http_resources();
    resource.set_path(use.path);
    for (const HttpMethod method : use.methods) {
      resource.add_methods(std::string(HttpMethodName(method)));
    }
  }
  for (const std::string& action : details.aws_actions) {
    stored.add_aws_actions(action);
  }
  for (const std::string& region : details.aws_regions) {
    stored.add_aws_regions(region);
  }
  for (const std::string& role : details.aws_roles) {
    stored.add_aws_roles(role);
  }
}

// Null when there is nothing. Words that this program does not know are left out.
std::unique_ptr<IntentDetails> DecodeDetails(const v1::StoredIntent& stored) {
  if (stored.kafka_topics().empty() && stored.http_resources().empty() &&
      stored.aws_actions().empty() && stored.aws_regions().empty() && stored.aws_roles().empty()) {
    return nullptr;
  }
  auto details = std::make_unique<IntentDetails>();
  for (const v1::StoredKafkaTopic& topic : stored.kafka_topics()) {
    KafkaTopicUse use{.topic = topic.topic(), .operations = {}};
    for (const std::string& word : topic.operations()) {
      if (const auto operation = ParseKafkaOperation(word)) {
        use.operations.push_back(*operation);
      }
    }
    std::sort(use.operations.begin(), use.operations.end());
    details->kafka_topics.push_back(std::move(use));
  }
  for (const v1::StoredHttpResource& resource : stored.http_resources()) {
    HttpResourceUse use{.path = resource.path(), .methods = {}};
    for (const std::string& word : resource.methods()) {
      if (const auto method = ParseHttpMethod(word)) {
        use.methods.push_back(*method);
      }
    }
    std::sort(use.methods.begin(), use.methods.end());
    details->http_resources.push_back(std::move(use));
  }
  details->aws_actions.assign(stored.aws_actions().begin(), stored.aws_actions().end());
  details->aws_regions.assign(stored.aws_regions().begin(), stored.aws_regions().end());
  details->aws_roles.assign(stored.aws_roles().begin(), stored.aws_roles().end());
  return details;
}

bool Parse(std::string_view bytes, google::protobuf::MessageLite& message) {
  return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

}  // namespace

void EncodeWorkload(const Workload& workload, std::string& bytes) {
  v1::StoredWorkload stored;
  const WorkloadIdentity& identity = *workload.identity;
  stored.set_name(identity.name);
  stored.set_name_space(identity.name_space);
  stored.set_named_by_override(identity.named_by_override);
  if (identity.owner_kind) {
    v1::StoredOwnerKind& kind = *stored.mutable_owner_kind();
    kind.set_group(identity.owner_kind->group);
    kind.set_version(identity.owner_kind->version);
    kind.set_kind(identity.owner_kind->kind);
  }
  stored.set_has_labels(workload.labels != nullptr);
  if (workload.labels != nullptr) {
    for (const auto& [key, value] : *workload.labels) {
      v1::StoredLabel& label = *stored.add_labels();
      label.set_key(key);
      label.set_value(value);
    }
  }
  stored.SerializeToString(&bytes);
}

std::optional<Workload> DecodeWorkload(std::string_view bytes) {
  v1::StoredWorkload stored;
  if (!Parse(bytes, stored) || stored.name().empty()) {
    return std::nullopt;
  }
  WorkloadIdentity identity;
  identity.name = stored.name();
  identity.name_space = stored.name_space();
  identity.named_by_override = stored.named_by_override();
  if (stored.has_owner_kind()) {
    const v1::StoredOwnerKind& kind = stored.owner_kind();
    identity.owner_kind = GroupVersionKind{kind.group(), kind.version(), kind.kind()};
  }
  Workload workload;
  workload.identity = std::make_shared<const WorkloadIdentity>(std::move(identity));
  if (stored.has_labels()) {
    Labels labels;
    labels.reserve(static_cast<size_t>(stored.labels_size()));
    for (const v1::StoredLabel& label : stored.labels()) {
      labels.emplace_back(label.key(), label.value());
    }
    std::sort(labels.begin(), labels.end());
    workload.labels = std::make_shared<const Labels>(std::move(labels));
  }
  return workload;
}

void EncodeIntent(const Intent& intent, std::string& bytes) {
  v1::StoredIntent stored;
  stored.set_resolution(EnumToStored<v1::StoredResolution>(intent.resolution));
  if (intent.kubernetes_service != nullptr) {
    stored.set_kubernetes_service(*intent.kubernetes_service);
  }
  stored.set_first_seen(ToStored(intent.first_seen));
  stored.set_last_seen(ToStored(intent.last_seen));
  for (const Evidence& evidence : intent.evidence) {
    Encode(evidence, *stored.add_evidence());
  }
  if (intent.details != nullptr) {
    Encode(*intent.details, stored);
  }
  stored.SerializeToString(&bytes);
}

bool DecodeIntent(std::string_view bytes, Intent& intent) {
  v1::StoredIntent stored;
  if (!Parse(bytes, stored)) {
    return false;
  }
  const auto resolution = FromStored(stored.resolution(), Resolution::kAws);
  if (!resolution) {
    return false;
  }
  intent.resolution = *resolution;
  intent.kubernetes_service =
      ToShared(stored.has_kubernetes_service(), stored.kubernetes_service());
  intent.first_seen = FromStored(stored.first_seen());
  intent.last_seen = FromStored(stored.last_seen());
  for (const v1::StoredEvidence& record : stored.evidence()) {
    if (auto evidence = Decode(record)) {
      intent.evidence.push_back(*std::move(evidence));
    }
  }
  std::sort(intent.evidence.begin(), intent.evidence.end(),
            [](const Evidence& a, const Evidence& b) { return a.collector < b.collector; });
  intent.details = DecodeDetails(stored);
  return !intent.evidence.empty();
}

std::unique_ptr<Intent> IntentOfColumns(const Workload* client, const Workload* server,
                                        int64_t type, std::string_view body) {
  auto intent = std::make_unique<Intent>();
  if (client == nullptr || server == nullptr || type < kNoType ||
      type > static_cast<int64_t>(IntentType::kS3) || !DecodeIntent(body, *intent)) {
    return nullptr;
  }
  intent->client = *client;
  intent->server = *server;
  if (type != kNoType) {
    intent->type = static_cast<IntentType>(type);
  }
  return intent;
}

std::string EncodeHeldObservation(const Observation& observation) {
  v1::Observation message;
  EncodeObservation(observation, message);
  return message.SerializeAsString();
}

std::optional<Observation> DecodeHeldObservation(std::string_view bytes) {
  v1::Observation message;
  if (!Parse(bytes, message)) {
    return std::nullopt;
  }
  auto decoded = DecodeObservation(message);
  auto* observation = std::get_if<Observation>(&decoded);
  return observation == nullptr ? std::nullopt : std::optional(std::move(*observation));
}

}  // namespace network_mapper
