// Observation: one raw fact from a collector. This is the project's own form of it, which
// collectors fill in and the resolver reads; the wire forms (Protobuf report stream, GraphQL
// mutations) are translated at the border.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/net/ip_address.h"
#include "common/observation/pod_uid.h"
#include "common/time/clock.h"

namespace network_mapper {

enum class Collector : uint8_t { kDns, kTcpSyn, kSocketScan, kKafka, kIstio, kAws };
inline constexpr std::array<Collector, 6> kAllCollectors = {
    Collector::kDns,   Collector::kTcpSyn, Collector::kSocketScan,
    Collector::kKafka, Collector::kIstio,  Collector::kAws};
// "dns", "tcp_syn", "socket_scan", "kafka", "istio", "aws".
std::string_view CollectorName(Collector collector);

enum class Protocol : uint8_t { kTcp, kUdp };

// The operations of Kafka's ACL model, named as the GraphQL enum KafkaOperation.
enum class KafkaOperation : uint8_t {
  kAll,
  kConsume,
  kProduce,
  kCreate,
  kAlter,
  kDelete,
  kDescribe,
  kClusterAction,
  kDescribeConfigs,
  kAlterConfigs,
  kIdempotentWrite
};
// "ALL", "CONSUME", ..., "IDEMPOTENT_WRITE".
std::string_view KafkaOperationName(KafkaOperation operation);
// The broker's words, in any letter case, with or without underscores: "Read" is kConsume, "WRITE"
// is kProduce, "DescribeConfigs", "DESCRIBE_CONFIGS", ... Absent: unknown. Allocates nothing.
std::optional<KafkaOperation> ParseKafkaAuthorizerOperation(std::string_view text);

enum class HttpMethod : uint8_t {
  kGet,
  kPost,
  kPut,
  kDelete,
  kOptions,
  kTrace,
  kPatch,
  kConnect,
  kAll
};
// "GET", ..., "ALL".
std::string_view HttpMethodName(HttpMethod method);
std::optional<HttpMethod> ParseHttpMethod(std::string_view text);

// Who reached out. At least one of ip and pod_uid is set for dns, tcp_syn and socket_scan.
struct ObservedClient {
  std::optional<IpAddress> ip;
  // Known when the sniffer could read the network namespace or the process's cgroup; wins over the
  // address.
  std::optional<PodUid> pod_uid;
  // What the original's collectors send as srcHostname: when not empty it must equal the pod's
  // name.
  std::string hostname;
};

// dns: a name was looked up and answered.
struct NameTarget {
  // The name that was asked for, without the trailing dot.
  std::string name;
  std::vector<IpAddress> addresses;
  // The smallest TTL of the answer's address records.
  std::optional<std::chrono::seconds> ttl;
};

// tcp_syn and socket_scan: an address was contacted.
struct AddressTarget {
  IpAddress address;
  // Absent when the reporter does not know it (original collectors).
  std::optional<uint16_t> port;
  Protocol protocol = Protocol::kTcp;
  // tcp_syn: how many of the observation's SYNs were answered by a SYN-ACK.
  uint64_t answered = 0;
};

// kafka: a broker's authorizer decided about a topic.
struct KafkaTarget {
  std::string broker_pod;
  std::string broker_namespace;
  std::string topic;
  KafkaOperation operation = KafkaOperation::kAll;
  bool allowed = true;
};

// istio: a proxy of the mesh counted requests, or connections, between two workloads.
struct HttpTarget {
  // By the name of the pods' owner, as istiod has it (source_workload), or by the label
  // service.istio.io/canonical-name.
  std::string client_workload;
  std::string client_namespace;
  std::string server_workload;
  std::string server_namespace;
  // The Kubernetes Service that was addressed; may be empty.
  std::string service;
  std::string path;
  std::vector<HttpMethod> methods;
  // False: the server gave no answer, or the mesh or the server denied the call.
  bool answered = true;
  // Connections were counted whose content the mesh does not look into (ztunnel, TCP): there are
  // neither path nor methods.
  bool connections_only = false;
};

// aws: IAM actions on a resource.
struct AwsTarget {
  std::string resource_arn;
  std::vector<std::string> actions;
  std::string iam_role;
  // Set when the reporter names the workload itself.
  std::string client_name;
  std::string client_namespace;
  // Where it was asked for; empty when unknown.
  std::string region{};
  // False: AWS denied it, or did not answer.
  bool allowed = true;
};

struct Observation {
  Collector collector = Collector::kDns;
  // Capture times of the first and the last event that this observation stands for.
  Time first_seen;
  Time last_seen;
  // Number of events. Zero only for a late SYN-ACK, which adds to `answered` of an earlier
  // observation, and for a socket that was counted before and is still there.
  uint64_t count = 1;
  ObservedClient client;
  std::variant<NameTarget, AddressTarget, KafkaTarget, HttpTarget, AwsTarget> target;
};

}  // namespace network_mapper
