#include "common/observation/observation.h"

#include <algorithm>
#include <utility>

namespace network_mapper {

namespace {

constexpr std::array<std::string_view, 6> kCollectorNames = {"dns",   "tcp_syn", "socket_scan",
                                                             "kafka", "istio",   "aws"};

constexpr std::array<std::string_view, 11> kKafkaOperationNames = {
    "ALL",      "CONSUME",        "PRODUCE",          "CREATE",        "ALTER",           "DELETE",
    "DESCRIBE", "CLUSTER_ACTION", "DESCRIBE_CONFIGS", "ALTER_CONFIGS", "IDEMPOTENT_WRITE"};

constexpr std::array<std::pair<std::string_view, KafkaOperation>, 11> kAuthorizerWords = {{
    {"all", KafkaOperation::kAll},
    {"read", KafkaOperation::kConsume},
    {"write", KafkaOperation::kProduce},
    {"create", KafkaOperation::kCreate},
    {"alter", KafkaOperation::kAlter},
    {"delete", KafkaOperation::kDelete},
    {"describe", KafkaOperation::kDescribe},
    {"clusteraction", KafkaOperation::kClusterAction},
    {"describeconfigs", KafkaOperation::kDescribeConfigs},
    {"alterconfigs", KafkaOperation::kAlterConfigs},
    {"idempotentwrite", KafkaOperation::kIdempotentWrite},
}};

constexpr std::array<std::string_view, 9> kHttpMethodNames = {
    "GET", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT", "ALL"};

bool EqualsIgnoringCase(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  });
}

}  // namespace

std::string_view CollectorName(Collector collector) {
  return kCollectorNames[static_cast<size_t>(collector)];
}

std::string_view KafkaOperationName(KafkaOperation operation) {
  return kKafkaOperationNames[static_cast<size_t>(operation)];
}

std::optional<KafkaOperation> ParseKafkaAuthorizerOperation(std::string_view text) {
  for (const auto& [word, operation] : kAuthorizerWords) {
    if (EqualsIgnoringCase(text, word)) {
      return operation;
    }
  }
  return std::nullopt;
}

std::string_view HttpMethodName(HttpMethod method) {
  return kHttpMethodNames[static_cast<size_t>(method)];
}

std::optional<HttpMethod> ParseHttpMethod(std::string_view text) {
  const auto* found = std::find(kHttpMethodNames.begin(), kHttpMethodNames.end(), text);
  if (found == kHttpMethodNames.end()) {
    return std::nullopt;
  }
  return static_cast<HttpMethod>(found - kHttpMethodNames.begin());
}

}  // namespace network_mapper
