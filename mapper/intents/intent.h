// Intent: client identity -> server identity, an edge of the map, with its evidence. Written by the
// intent store, read by the API and the exporters inside IntentStore::Visit.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/net/ip_address.h"
#include "common/observation/observation.h"
#include "common/time/clock.h"
#include "mapper/inventory/workload_identity.h"

namespace network_mapper {

// The GraphQL enum IntentType; an intent that is only known as a connection has none.
enum class IntentType : uint8_t { kHttp, kKafka, kDatabase, kAws, kS3 };
// "HTTP", "KAFKA", "DATABASE", "AWS", "S3".
std::string_view IntentTypeName(IntentType type);

// How sure an intent is, weakest first.
enum class Strength : uint8_t {
  kResolved,   // the name was looked up, nothing more
  kAttempted,  // a SYN without a seen answer, or a denied operation
  kConnected,  // a SYN that was answered, or an ESTABLISHED socket
  kUsed,       // a Kafka, HTTP or AWS operation
};
// "resolved", "attempted", "connected", "used".
std::string_view StrengthName(Strength strength);

// Which rule made the first sighting.
enum class Resolution : uint8_t {
  kDns,
  kTcp,
  kSocketScanService,
  kSocketScanPod,
  kKafka,
  kIstio,
  kAws
};
// The words of the original's field Intent.resolutionData.
std::string_view ResolutionText(Resolution resolution);

// Names that many intents share; null when there is none.
using SharedText = std::shared_ptr<const std::string>;

// As the client saw it: for a service address the port of the service, not of its pods.
struct PortSeen {
  uint16_t number = 0;
  Protocol protocol = Protocol::kTcp;

  friend bool operator==(const PortSeen&, const PortSeen&) = default;

  friend bool operator<(const PortSeen& a, const PortSeen& b) {
    return a.number != b.number ? a.number < b.number : a.protocol < b.protocol;
  }
};

// One example of an observation; what is not known is null or absent.
struct EvidenceSample {
  SharedText client_pod;
  SharedText server_pod;
  // For a name that was looked up: the first address of the answer.
  std::optional<IpAddress> server_address;
};

// What one collector has seen of an intent.
struct Evidence {
  Collector collector = Collector::kDns;
  Strength strength = Strength::kResolved;
  Time first_seen;
  Time last_seen;
  // Events: answers, SYNs, sockets per scan, log lines, requests.
  uint64_t count = 0;
  // tcp_syn: how many of them were answered.
  uint64_t answered = 0;
  // The part of `count` that went to a service with several workloads behind it. Which of them was
  // meant cannot be seen, so each got all of it; `count - shared_count` is certain.
  uint64_t shared_count = 0;
  // Sorted, bounded (IntentLimits).
  std::vector<PortSeen> ports;
  // Recent examples with different pods or addresses, bounded (IntentLimits); once there are as
  // many, a newer one takes the place of the oldest at most once a second.
  std::vector<EvidenceSample> samples;
  // The time of the newest of them.
  Time sampled_at;
};

struct KafkaTopicUse {
  std::string topic;
  // Sorted, each once.
  std::vector<KafkaOperation> operations;
};

struct HttpResourceUse {
  std::string path;
  // Sorted, each once.
  std::vector<HttpMethod> methods;
};

// What an intent with a type carries beyond an edge. Sorted by topic, path or text; bounded
// (IntentLimits).
struct IntentDetails {
  std::vector<KafkaTopicUse> kafka_topics;
  std::vector<HttpResourceUse> http_resources;
  std::vector<std::string> aws_actions;
  // Where the actions were asked for, and the ARNs of the roles that asked, where that is known.
  std::vector<std::string> aws_regions;
  std::vector<std::string> aws_roles;
};

struct Intent {
  // Identities are never null; labels are null for the API server and for AWS resources.
  Workload client;
  Workload server;
  std::optional<IntentType> type;
  Resolution resolution = Resolution::kDns;
  // The Kubernetes service that the client used to reach the server; null when none was seen.
  SharedText kubernetes_service;
  Time first_seen;
  Time last_seen;
  // One a collector, ordered by collector; never empty.
  std::vector<Evidence> evidence;
  // Null when there is nothing to say: for every intent without a type.
  std::unique_ptr<IntentDetails> details;

  // The intent store's own: where a durable one keeps it, and whether it has changed since.
  int64_t row = 0;
  bool unsaved = false;

  // The strongest of its evidence.
  Strength BestStrength() const;
  // All ports of its evidence, sorted, each once.
  std::vector<PortSeen> Ports() const;
  uint64_t Count() const;
};

}  // namespace network_mapper
