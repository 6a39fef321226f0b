#include "mapper/api/report_translation.h"

#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "common/report/observation_codec.h"
#include "common/time/time_text.h"

namespace network_mapper {

namespace {

using graphql::Value;

std::string TextOf(const Value& object, std::string_view name) {
  const Value* value = object.Field(name);
  return value == nullptr ? std::string() : value->Text().value_or("");
}

const Value::List& ListOf(const Value& object, std::string_view name) {
  static const Value::List empty;
  const Value* value = object.Field(name);
  const auto* list = value == nullptr ? nullptr : value->As<Value::List>();
  return list == nullptr ? empty : *list;
}

std::optional<uint16_t> PortOf(const Value* value) {
  const auto* number = value == nullptr ? nullptr : value->As<int64_t>();
  if (number == nullptr || *number < 1 || *number > std::numeric_limits<uint16_t>::max()) {
    return std::nullopt;
  }
  return static_cast<uint16_t>(*number);
}

// RFC 2181 8: 31 bits.
std::optional<std::chrono::seconds> TimeToLiveOf(const Value* value) {
  const auto* number = value == nullptr ? nullptr : value->As<int64_t>();
  if (number == nullptr || *number < 0 || *number > std::numeric_limits<int32_t>::max()) {
    return std::nullopt;
  }
  return std::chrono::seconds(*number);
}

StatusOr<Time> TimeOf(const Value& object, std::string_view name) {
  std::string text = TextOf(object, name);
  std::optional<Time> time = ParseRfc3339(text);
  if (!time) {
    return InvalidArgument("\"{}\" is not a time as RFC 3339 has it", text);
  }
  return *time;
}

// What all observations of one source and destination have in common; absent without a usable
// source address.
StatusOr<std::optional<Observation>> StartObservation(const Value& source, const Value& destination,
                                                      Collector collector) {
  Observation observation;
  observation.collector = collector;
  ASSIGN_OR_RETURN(observation.last_seen, TimeOf(destination, "lastSeen"));
  observation.first_seen = observation.last_seen;
  observation.client.ip = IpAddress::Parse(TextOf(source, "srcIp"));
  observation.client.hostname = TextOf(source, "srcHostname");
  if (!observation.client.ip) {
    return std::optional<Observation>();
  }
  return std::optional<Observation>(std::move(observation));
}

// `fill` sets the target and says whether the destination makes an observation.
template <typename Fill>
StatusOr<TranslatedReport> TranslateDestinations(const Value& results, Collector collector,
                                                 Fill fill) {
  TranslatedReport report;
  for (const Value& source : ListOf(results, "results")) {
    for (const Value& destination : ListOf(source, "destinations")) {
      ASSIGN_OR_RETURN(std::optional<Observation> observation,
                       StartObservation(source, destination, collector));
      if (observation && fill(destination, *observation)) {
        report.observations.push_back(*std::move(observation));
      } else {
        ++report.malformed;
      }
    }
  }
  return report;
}

// The address of a connection: destinationIP where it is given, since destination may be a host
// name.
std::optional<IpAddress> AddressOf(const Value& destination) {
  std::optional<IpAddress> address = IpAddress::Parse(TextOf(destination, "destinationIP"));
  return address ? address : IpAddress::Parse(TextOf(destination, "destination"));
}

std::vector<HttpMethod> MethodsOf(const Value& object, Status& status) {
  std::vector<HttpMethod> methods;
  for (const Value& item : ListOf(object, "methods")) {
    std::string name = item.Text().value_or("");
    std::optional<HttpMethod> method = ParseHttpMethod(name);
    if (method) {
      methods.push_back(*method);
    } else {
      status = InvalidArgument("{} is not a valid HttpMethod", name);
    }
  }
  return methods;
}

}  // namespace

StatusOr<TranslatedReport> TranslateDnsReport(const Value& results) {
  return TranslateDestinations(results, Collector::kDns,
                               [](const Value& destination, Observation& observation) {
                                 NameTarget target;
                                 target.name = TextOf(destination, "destination");
                                 if (std::optional<IpAddress> address =
                                         IpAddress::Parse(TextOf(destination, "destinationIP"))) {
                                   target.addresses.push_back(*address);
                                 }
                                 target.ttl = TimeToLiveOf(destination.Field("TTL"));
                                 bool named = !target.name.empty();
                                 observation.target = std::move(target);
                                 return named;
                               });
}

StatusOr<TranslatedReport> TranslateTcpReport(const Value& results) {
  return TranslateDestinations(
      results, Collector::kTcpSyn, [](const Value& destination, Observation& observation) {
        std::optional<IpAddress> address = AddressOf(destination);
        if (address) {
          observation.target = AddressTarget{.address = *address,
                                             .port = PortOf(destination.Field("destinationPort")),
                                             .protocol = Protocol::kTcp,
                                             .answered = 0};
        }
        return address.has_value();
      });
}

StatusOr<TranslatedReport> TranslateSocketScanReport(const Value& results) {
  return TranslateDestinations(
      results, Collector::kSocketScan, [](const Value& destination, Observation& observation) {
        std::optional<IpAddress> address = AddressOf(destination);
        if (address) {
          // The original's collector swaps the ports: srcPorts holds the remote one,
          // destinationPort the client's own.
          const Value::List& remote_ports = ListOf(destination, "srcPorts");
          observation.target =
              AddressTarget{.address = *address,
                            .port = PortOf(remote_ports.empty() ? nullptr : &remote_ports.front()),
                            .protocol = Protocol::kTcp,
                            .answered = 0};
        }
        return address.has_value();
      });
}

StatusOr<TranslatedReport> TranslateKafkaReport(const Value& results) {
  TranslatedReport report;
  for (const Value& result : ListOf(results, "results")) {
    Observation observation;
    observation.collector = Collector::kKafka;
    ASSIGN_OR_RETURN(observation.last_seen, TimeOf(result, "lastSeen"));
    observation.first_seen = observation.last_seen;
    observation.client.ip = IpAddress::Parse(TextOf(result, "srcIp"));
    std::optional<KafkaOperation> operation =
        ParseKafkaAuthorizerOperation(TextOf(result, "operation"));
    if (!operation || !observation.client.ip) {
      ++report.malformed;
      continue;
    }
    observation.target = KafkaTarget{.broker_pod = TextOf(result, "serverPodName"),
                                     .broker_namespace = TextOf(result, "serverNamespace"),
                                     .topic = TextOf(result, "topic"),
                                     .operation = *operation,
                                     .allowed = true};
    report.observations.push_back(std::move(observation));
  }
  return report;
}

StatusOr<TranslatedReport> TranslateIstioReport(const Value& results) {
  TranslatedReport report;
  for (const Value& result : ListOf(results, "results")) {
    Observation observation;
    observation.collector = Collector::kIstio;
    ASSIGN_OR_RETURN(observation.last_seen, TimeOf(result, "lastSeen"));
    observation.first_seen = observation.last_seen;
    Status methods_status;
    observation.target = HttpTarget{.client_workload = TextOf(result, "srcWorkload"),
                                    .client_namespace = TextOf(result, "srcWorkloadNamespace"),
                                    .server_workload = TextOf(result, "dstWorkload"),
                                    .server_namespace = TextOf(result, "dstWorkloadNamespace"),
                                    .service = TextOf(result, "dstServiceName"),
                                    .path = TextOf(result, "path"),
                                    .methods = MethodsOf(result, methods_status)};
    RETURN_IF_ERROR(methods_status);
    report.observations.push_back(std::move(observation));
  }
  return report;
}

StatusOr<TranslatedReport> TranslateAwsReport(const Value& operations, Time now) {
  TranslatedReport report;
  const auto* list = operations.As<Value::List>();
  for (const Value& operation : list == nullptr ? Value::List() : *list) {
    Observation observation;
    observation.collector = Collector::kAws;
    observation.first_seen = now;
    observation.last_seen = now;
    observation.client.ip = IpAddress::Parse(TextOf(operation, "srcIp"));
    AwsTarget target;
    target.resource_arn = TextOf(operation, "resource");
    target.iam_role = TextOf(operation, "iamRole");
    if (const Value* actions = operation.Field("actions")) {
      target.actions = actions->Texts();
    }
    if (const Value* client = operation.Field("client")) {
      target.client_name = TextOf(*client, "name");
      target.client_namespace = TextOf(*client, "namespace");
    }
    if (!observation.client.ip && target.client_name.empty()) {
      ++report.malformed;
      continue;
    }
    observation.target = std::move(target);
    report.observations.push_back(std::move(observation));
  }
  return report;
}

void LeaveOutRefused(TranslatedReport& report) {
  report.malformed += std::erase_if(report.observations, [](const Observation& observation) {
    return CheckObservation(observation).has_value();
  });
}

}  // namespace network_mapper
