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

// In any letter case, underscores or not.
bool IsAuthorizerWord(std::string_view text, std::string_view word) {
  size_t matched = 0;
  for (const char character : text) {
    if (character == '_') {
      continue;
    }
    const bool upper = character >= 'A' && character <= 'Z';
    const char lower = upper ? static_cast<char>(character - 'A' + 'a') : character;
    if (matched == word.size() || lower != word[matched]) {
      return false;
    }
    ++matched;
  }
  return matched == word.size();
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
    if (IsAuthorizerWord(text, word)) {
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
