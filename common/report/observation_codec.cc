#include "common/report/observation_codec.h"

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "common/text/utf8.h"
#include "network_mapper/v1/report.pb.h"

namespace network_mapper {

namespace {

using std::chrono::duration_cast;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr int64_t kNanosecondsPerSecond = 1'000'000'000;

using Refusal = ObservationRefusal;

// The authorizer's word for each operation, in the order of KafkaOperation.
constexpr std::array<std::string_view, 11> kAuthorizerWords = {
    "All",      "Read",          "Write",           "Create",       "Alter",          "Delete",
    "Describe", "ClusterAction", "DescribeConfigs", "AlterConfigs", "IdempotentWrite"};

// Cut to the limit; what cannot stand in a line becomes a blank.
std::string OneLine(std::string_view notice) {
  std::string line;
  while (!notice.empty()) {
    const size_t length = std::max<size_t>(Utf8SequenceLength(notice), 1);
    if (line.size() + length > kLongestNotice) {
      break;
    }
    const auto first = static_cast<unsigned char>(notice.front());
    const bool is_printable = length > 1 || (first >= ' ' && first < 0x7F);
    line += is_printable ? notice.substr(0, length) : std::string_view(" ");
    notice.remove_prefix(length);
  }
  return line;
}

std::optional<Collector> DecodeCollector(v1::Collector collector) {
  switch (collector) {
    case v1::COLLECTOR_DNS:
      return Collector::kDns;
    case v1::COLLECTOR_TCP_SYN:
      return Collector::kTcpSyn;
    case v1::COLLECTOR_SOCKET_SCAN:
      return Collector::kSocketScan;
    case v1::COLLECTOR_KAFKA:
      return Collector::kKafka;
    case v1::COLLECTOR_ISTIO:
      return Collector::kIstio;
    case v1::COLLECTOR_AWS:
      return Collector::kAws;
    default:
      return std::nullopt;
  }
}

v1::Collector EncodeCollector(Collector collector) {
  switch (collector) {
    case Collector::kDns:
      return v1::COLLECTOR_DNS;
    case Collector::kTcpSyn:
      return v1::COLLECTOR_TCP_SYN;
    case Collector::kSocketScan:
      return v1::COLLECTOR_SOCKET_SCAN;
    case Collector::kKafka:
      return v1::COLLECTOR_KAFKA;
    case Collector::kIstio:
      return v1::COLLECTOR_ISTIO;
    case Collector::kAws:
      return v1::COLLECTOR_AWS;
  }
  return v1::COLLECTOR_UNSPECIFIED;
}

// The bounds keep the sum within the range of Time.
std::optional<Time> DecodeTime(const google::protobuf::Timestamp& timestamp) {
  if (timestamp.seconds() < kMinObservationSeconds ||
      timestamp.seconds() > kMaxObservationSeconds || timestamp.nanos() < 0 ||
      timestamp.nanos() >= kNanosecondsPerSecond) {
    return std::nullopt;
  }
  return Time(seconds(timestamp.seconds())) + nanoseconds(timestamp.nanos());
}

void EncodeTime(Time time, google::protobuf::Timestamp& timestamp) {
  auto whole = std::chrono::floor<seconds>(time.time_since_epoch());
  timestamp.set_seconds(whole.count());
  timestamp.set_nanos(
      static_cast<int32_t>(duration_cast<nanoseconds>(time.time_since_epoch() - whole).count()));
}

std::optional<IpAddress> DecodeAddress(const std::string& bytes) {
  std::array<uint8_t, 16> copy{};
  if (bytes.size() > copy.size()) {
    return std::nullopt;
  }
  std::transform(bytes.begin(), bytes.end(), copy.begin(),
                 [](char c) { return static_cast<uint8_t>(c); });
  return IpAddress::FromBytes(std::span(copy).first(bytes.size()));
}

void EncodeBytes(std::span<const uint8_t> bytes, std::string& text) {
  text.resize(bytes.size());
  std::transform(bytes.begin(), bytes.end(), text.begin(),
                 [](uint8_t byte) { return static_cast<char>(byte); });
}

std::optional<Refusal> DecodeClient(const v1::Client& message, ObservedClient& client) {
  if (!message.ip().empty()) {
    client.ip = DecodeAddress(message.ip());
    if (!client.ip) {
      return Refusal::kBadAddress;
    }
  }
  if (!message.pod_uid().empty()) {
    client.pod_uid = PodUid::FromBytes(message.pod_uid());
    if (!client.pod_uid) {
      return Refusal::kBadAddress;
    }
  }
  client.hostname = message.hostname();
  return std::nullopt;
}

std::optional<Refusal> DecodeTarget(const v1::NameTarget& message, NameTarget& target) {
  if (static_cast<size_t>(message.addresses_size()) > kMaxAddresses) {
    return Refusal::kTooMany;
  }
  target.name = message.name();
  target.addresses.reserve(static_cast<size_t>(message.addresses_size()));
  for (const std::string& bytes : message.addresses()) {
    std::optional<IpAddress> address = DecodeAddress(bytes);
    if (!address) {
      return Refusal::kBadAddress;
    }
    target.addresses.push_back(*address);
  }
  if (message.has_ttl_seconds()) {
    target.ttl = seconds(message.ttl_seconds());
  }
  return std::nullopt;
}

std::optional<Refusal> DecodeTarget(const v1::AddressTarget& message, AddressTarget& target) {
  std::optional<IpAddress> address = DecodeAddress(message.address());
  if (!address || (message.has_port() && message.port() > UINT16_MAX)) {
    return Refusal::kBadAddress;
  }
  target.address = *address;
  if (message.has_port()) {
    target.port = static_cast<uint16_t>(message.port());
  }
  if (message.protocol() != v1::PROTOCOL_TCP && message.protocol() != v1::PROTOCOL_UDP) {
    return Refusal::kUnknownEnum;
  }
  target.protocol = message.protocol() == v1::PROTOCOL_TCP ? Protocol::kTcp : Protocol::kUdp;
  target.answered = message.answered();
  return std::nullopt;
}

std::optional<Refusal> DecodeTarget(const v1::KafkaTarget& message, KafkaTarget& target) {
  std::optional<KafkaOperation> operation = ParseKafkaAuthorizerOperation(message.operation());
  if (!operation) {
    return Refusal::kUnknownEnum;
  }
  target = {.broker_pod = message.broker_pod(),
            .broker_namespace = message.broker_namespace(),
            .topic = message.topic(),
            .operation = *operation,
            .allowed = !message.denied()};
  return std::nullopt;
}

std::optional<Refusal> DecodeTarget(const v1::HttpTarget& message, HttpTarget& target) {
  if (static_cast<size_t>(message.methods_size()) > kMaxMethods) {
    return Refusal::kTooMany;
  }
  for (const std::string& text : message.methods()) {
    std::optional<HttpMethod> method = ParseHttpMethod(text);
    if (!method) {
      return Refusal::kUnknownEnum;
    }
    target.methods.push_back(*method);
  }
  target.client_workload = message.client_workload();
  target.client_namespace = message.client_namespace();
  target.server_workload = message.server_workload();
  target.server_namespace = message.server_namespace();
  target.service = message.service();
  target.path = message.path();
  target.answered = !message.unanswered();
  target.connections_only = message.connections_only();
  return std::nullopt;
}

std::optional<Refusal> DecodeTarget(const v1::AwsTarget& message, AwsTarget& target) {
  if (static_cast<size_t>(message.actions_size()) > kMaxActions) {
    return Refusal::kTooMany;
  }
  target = {.resource_arn = message.resource_arn(),
            .actions = {message.actions().begin(), message.actions().end()},
            .iam_role = message.iam_role(),
            .client_name = message.client_name(),
            .client_namespace = message.client_namespace(),
            .region = message.region(),
            .allowed = !message.denied()};
  return std::nullopt;
}

std::optional<Refusal> DecodeAnyTarget(const v1::Observation& message, Observation& result) {
  switch (message.target_case()) {
    case v1::Observation::kName:
      return DecodeTarget(message.name(), result.target.emplace<NameTarget>());
    case v1::Observation::kAddress:
      return DecodeTarget(message.address(), result.target.emplace<AddressTarget>());
    case v1::Observation::kKafka:
      return DecodeTarget(message.kafka(), result.target.emplace<KafkaTarget>());
    case v1::Observation::kHttp:
      return DecodeTarget(message.http(), result.target.emplace<HttpTarget>());
    case v1::Observation::kAws:
      return DecodeTarget(message.aws(), result.target.emplace<AwsTarget>());
    case v1::Observation::TARGET_NOT_SET:
      break;
  }
  return Refusal::kMissingTarget;
}

// Fills the target's message of an observation's message.
class TargetEncoder {
 public:
  explicit TargetEncoder(v1::Observation& message) : message_(message) {}

  void operator()(const NameTarget& target) const {
    v1::NameTarget& name = *message_.mutable_name();
    name.set_name(target.name);
    for (const IpAddress& address : target.addresses) {
      EncodeBytes(address.Bytes(), *name.add_addresses());
    }
    if (target.ttl) {
      name.set_ttl_seconds(static_cast<uint32_t>(target.ttl->count()));
    }
  }

  void operator()(const AddressTarget& target) const {
    v1::AddressTarget& address = *message_.mutable_address();
    EncodeBytes(target.address.Bytes(), *address.mutable_address());
    if (target.port) {
      address.set_port(*target.port);
    }
    address.set_protocol(target.protocol == Protocol::kTcp ? v1::PROTOCOL_TCP : v1::PROTOCOL_UDP);
    address.set_answered(target.answered);
  }

  void operator()(const KafkaTarget& target) const {
    v1::KafkaTarget& kafka = *message_.mutable_kafka();
    kafka.set_broker_pod(target.broker_pod);
    kafka.set_broker_namespace(target.broker_namespace);
    kafka.set_topic(target.topic);
    kafka.set_operation(std::string(kAuthorizerWords[static_cast<size_t>(target.operation)]));
    kafka.set_denied(!target.allowed);
  }

  void operator()(const HttpTarget& target) const {
    v1::HttpTarget& http = *message_.mutable_http();
    http.set_client_workload(target.client_workload);
    http.set_client_namespace(target.client_namespace);
    http.set_server_workload(target.server_workload);
    http.set_server_namespace(target.server_namespace);
    http.set_service(target.service);
    http.set_path(target.path);
    for (HttpMethod method : target.methods) {
      http.add_methods(std::string(HttpMethodName(method)));
    }
    http.set_unanswered(!target.answered);
    http.set_connections_only(target.connections_only);
  }

  void operator()(const AwsTarget& target) const {
    v1::AwsTarget& aws = *message_.mutable_aws();
    aws.set_resource_arn(target.resource_arn);
    aws.mutable_actions()->Add(target.actions.begin(), target.actions.end());
    aws.set_iam_role(target.iam_role);
    aws.set_client_name(target.client_name);
    aws.set_client_namespace(target.client_namespace);
    aws.set_region(target.region);
    aws.set_denied(!target.allowed);
  }

 private:
  v1::Observation& message_;
};

}  // namespace

std::variant<Observation, ObservationRefusal> DecodeObservation(const v1::Observation& message) {
  std::optional<Collector> collector = DecodeCollector(message.collector());
  if (!collector) {
    return Refusal::kUnknownEnum;
  }
  std::optional<Time> first_seen = DecodeTime(message.first_seen());
  std::optional<Time> last_seen = DecodeTime(message.last_seen());
  if (!first_seen || !last_seen) {
    return Refusal::kBadTime;
  }
  Observation observation;
  observation.collector = *collector;
  observation.first_seen = *first_seen;
  observation.last_seen = *last_seen;
  observation.count = message.count();
  if (auto refusal = DecodeClient(message.client(), observation.client)) {
    return *refusal;
  }
  if (auto refusal = DecodeAnyTarget(message, observation)) {
    return *refusal;
  }
  if (auto refusal = CheckObservation(observation)) {
    return *refusal;
  }
  return observation;
}

void EncodeObservation(const Observation& observation, v1::Observation& message) {
  message.set_collector(EncodeCollector(observation.collector));
  EncodeTime(observation.first_seen, *message.mutable_first_seen());
  EncodeTime(observation.last_seen, *message.mutable_last_seen());
  message.set_count(observation.count);
  const ObservedClient& client = observation.client;
  if (client.ip) {
    EncodeBytes(client.ip->Bytes(), *message.mutable_client()->mutable_ip());
  }
  if (client.pod_uid) {
    EncodeBytes(client.pod_uid->bytes, *message.mutable_client()->mutable_pod_uid());
  }
  if (!client.hostname.empty()) {
    message.mutable_client()->set_hostname(client.hostname);
  }
  std::visit(TargetEncoder(message), observation.target);
}

CollectorTotals DecodeTotals(const v1::CollectorStatistics& message) {
  // So that the sum over many collectors does not overflow.
  auto bounded = [](uint64_t total) { return std::min(total, kMaxEventCount); };
  CollectorTotals totals{
      .packets_received = bounded(message.packets_received()),
      .packets_dropped_by_kernel = bounded(message.packets_dropped_by_kernel()),
      .observations_dropped_from_spool = bounded(message.observations_dropped_from_spool()),
      .malformed_packets = bounded(message.malformed_packets()),
      .log_lines_read = bounded(message.log_lines_read()),
      .log_lines_refused = bounded(message.log_lines_refused()),
      .sent_at = message.has_sent_at() ? DecodeTime(message.sent_at()) : std::nullopt};
  for (const std::string& notice : message.notices()) {
    if (totals.notices.size() == kMostNotices) {
      break;
    }
    totals.notices.push_back(OneLine(notice));
  }
  return totals;
}

void EncodeTotals(const CollectorTotals& totals, v1::CollectorStatistics& message) {
  message.set_packets_received(totals.packets_received);
  message.set_packets_dropped_by_kernel(totals.packets_dropped_by_kernel);
  message.set_observations_dropped_from_spool(totals.observations_dropped_from_spool);
  message.set_malformed_packets(totals.malformed_packets);
  message.set_log_lines_read(totals.log_lines_read);
  message.set_log_lines_refused(totals.log_lines_refused);
  for (const std::string& notice : totals.notices) {
    if (message.notices_size() == static_cast<int>(kMostNotices)) {
      break;
    }
    message.add_notices(OneLine(notice));
  }
  if (totals.sent_at) {
    EncodeTime(*totals.sent_at, *message.mutable_sent_at());
  }
}

}  // namespace network_mapper
