// The rules that every observation keeps, on both ends of the report stream.
#include <algorithm>
#include <initializer_list>
#include <string>
#include <type_traits>

#include "common/report/observation_codec.h"
#include "common/text/utf8.h"

namespace network_mapper {

namespace {

using MaybeRefusal = std::optional<ObservationRefusal>;

MaybeRefusal CheckText(std::string_view text, size_t limit) {
  if (text.size() > limit) {
    return ObservationRefusal::kTooLong;
  }
  if (!IsUtf8(text)) {
    return ObservationRefusal::kNotUtf8;
  }
  if (HasControlCharacter(text)) {
    return ObservationRefusal::kControlCharacter;
  }
  return std::nullopt;
}

MaybeRefusal CheckIdentifiers(std::initializer_list<std::string_view> texts) {
  for (std::string_view text : texts) {
    if (MaybeRefusal refusal = CheckText(text, kMaxIdentifierLength)) {
      return refusal;
    }
  }
  return std::nullopt;
}

MaybeRefusal CheckNotEmpty(std::initializer_list<std::string_view> texts) {
  bool any_empty = std::any_of(texts.begin(), texts.end(), [](auto text) { return text.empty(); });
  return any_empty ? MaybeRefusal(ObservationRefusal::kEmptyText) : std::nullopt;
}

// The first refusal, if any.
MaybeRefusal First(std::initializer_list<MaybeRefusal> refusals) {
  const auto* found = std::find_if(refusals.begin(), refusals.end(),
                                   [](const MaybeRefusal& refusal) { return refusal.has_value(); });
  return found == refusals.end() ? std::nullopt : *found;
}

MaybeRefusal LimitList(size_t size, size_t limit) {
  return size > limit ? MaybeRefusal(ObservationRefusal::kTooMany) : std::nullopt;
}

MaybeRefusal CheckTarget(const NameTarget& target) {
  bool bad_ttl = target.ttl && (target.ttl->count() < 0 || target.ttl->count() > UINT32_MAX);
  return First({CheckNotEmpty({target.name}), CheckText(target.name, kMaxNameLength),
                LimitList(target.addresses.size(), kMaxAddresses),
                bad_ttl ? MaybeRefusal(ObservationRefusal::kBadTime) : std::nullopt});
}

MaybeRefusal CheckTarget(const AddressTarget& target) {
  if (target.port == uint16_t{0} || target.address.IsUnspecified()) {
    return ObservationRefusal::kBadAddress;
  }
  return target.answered > kMaxEventCount ? MaybeRefusal(ObservationRefusal::kBadCount)
                                          : std::nullopt;
}

MaybeRefusal CheckTarget(const KafkaTarget& target) {
  return First({CheckNotEmpty({target.broker_pod, target.topic}),
                CheckIdentifiers({target.broker_pod, target.broker_namespace, target.topic})});
}

MaybeRefusal CheckTarget(const HttpTarget& target) {
  if (target.connections_only && !(target.path.empty() && target.methods.empty())) {
    return ObservationRefusal::kWrongTarget;
  }
  return First({CheckNotEmpty({target.client_workload, target.server_workload}),
                CheckIdentifiers({target.client_workload, target.client_namespace,
                                  target.server_workload, target.server_namespace, target.service}),
                CheckText(target.path, kMaxPathLength),
                LimitList(target.methods.size(), kMaxMethods)});
}

// Source: AWS IAM reference, "Amazon Resource Names":
// arn:partition:service:region:account:resource.
MaybeRefusal CheckArn(std::string_view text) {
  const bool is_arn = text.starts_with("arn:") && std::count(text.begin(), text.end(), ':') >= 5;
  return is_arn ? std::nullopt : MaybeRefusal(ObservationRefusal::kNotAnArn);
}

MaybeRefusal CheckTarget(const AwsTarget& target) {
  if (MaybeRefusal refusal = First(
          {CheckNotEmpty({target.resource_arn}), CheckText(target.resource_arn, kMaxArnLength),
           CheckText(target.iam_role, kMaxArnLength),
           target.resource_arn == "*" ? std::nullopt : CheckArn(target.resource_arn),
           target.iam_role.empty() ? std::nullopt : CheckArn(target.iam_role),
           CheckIdentifiers({target.client_name, target.client_namespace, target.region}),
           LimitList(target.actions.size(), kMaxActions)})) {
    return refusal;
  }
  for (const std::string& action : target.actions) {
    if (MaybeRefusal refusal = CheckIdentifiers({action})) {
      return refusal;
    }
  }
  return std::nullopt;
}

bool InRange(Time time) {
  return time >= Time(std::chrono::seconds(kMinObservationSeconds)) &&
         time <= Time(std::chrono::seconds(kMaxObservationSeconds));
}

size_t TargetIndex(Collector collector) {
  switch (collector) {
    case Collector::kDns:
      return 0;
    case Collector::kTcpSyn:
    case Collector::kSocketScan:
      return 1;
    case Collector::kKafka:
      return 2;
    case Collector::kIstio:
      return 3;
    case Collector::kAws:
      return 4;
  }
  return std::variant_npos;
}

MaybeRefusal CheckCount(const Observation& observation) {
  const auto* address = std::get_if<AddressTarget>(&observation.target);
  bool late_answer =
      observation.collector == Collector::kTcpSyn && address != nullptr && address->answered > 0;
  bool still_open = observation.collector == Collector::kSocketScan;
  if (observation.count > kMaxEventCount ||
      (observation.count == 0 && !late_answer && !still_open)) {
    return ObservationRefusal::kBadCount;
  }
  return std::nullopt;
}

bool NeedsClient(Collector collector) {
  return collector == Collector::kDns || collector == Collector::kTcpSyn ||
         collector == Collector::kSocketScan;
}

}  // namespace

std::optional<ObservationRefusal> CheckObservation(const Observation& observation) {
  if (!InRange(observation.first_seen) || !InRange(observation.last_seen) ||
      observation.last_seen < observation.first_seen) {
    return ObservationRefusal::kBadTime;
  }
  if (observation.target.index() != TargetIndex(observation.collector)) {
    return ObservationRefusal::kWrongTarget;
  }
  const ObservedClient& client = observation.client;
  if (NeedsClient(observation.collector) && !client.ip && !client.pod_uid) {
    return ObservationRefusal::kMissingClient;
  }
  MaybeRefusal target = std::visit([](const auto& alternative) { return CheckTarget(alternative); },
                                   observation.target);
  return First({CheckCount(observation), CheckIdentifiers({client.hostname}), target});
}

std::string_view ObservationRefusalName(ObservationRefusal refusal) {
  constexpr std::array<std::string_view, kAllObservationRefusals.size()> kNames = {
      "unknown_enum",   "bad_time",     "bad_count",         "missing_client", "bad_address",
      "missing_target", "wrong_target", "empty_text",        "too_long",       "too_many",
      "not_utf8",       "not_allowed",  "control_character", "not_an_arn"};
  return kNames[static_cast<size_t>(refusal)];
}

}  // namespace network_mapper
