// Which AWS operation a request calls, and which IAM actions on which resources that takes.
// Evidence in this order: Smithy-Protocol and X-Amz-Target headers, Action and Version, the
// signature's scope, the host; then URI templates. The table of operations is made from botocore's
// models and an IAM data set (scripts/generate-aws-table), and lies in the program as read-only
// data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "aws-visibility/iam/exchange.h"

namespace network_mapper::aws {

class AnswerMemory;

// What to read of an exchange's bodies before Recognize, at most, in bytes. Zero: nothing.
struct BodyNeeds {
  size_t request = 0;
  size_t response = 0;
};

// IAM actions on one resource.
struct Access {
  // An ARN, with "*" for what is not known: "arn:aws:sqs:eu-west-1:123456789012:orders"; or "*".
  std::string resource;
  // "sqs:SendMessage"; sorted, at least one.
  std::vector<std::string> actions;
};

enum class RecognitionResult : uint8_t {
  kRecognized,
  // An operation of a known service that is not in the table: `accesses` has service:Operation on
  // "*", where the name is certain.
  kUnknownOperation,
  // A request that needs no permission, such as sts:GetCallerIdentity; there are no accesses.
  kNeedsNoPermission,
  // No request to AWS, or not one of a known service.
  kUnknownService,
  // What has to be known is missing or makes no sense.
  kMalformed,
};
// "recognized", "unknown_operation", ...: the value of a metric's label.
std::string_view RecognitionResultName(RecognitionResult result);

struct Recognition {
  RecognitionResult result = RecognitionResult::kUnknownService;
  // botocore's names, "dynamodb" and "GetItem"; empty when unknown. Static text.
  std::string_view service;
  std::string_view operation;
  // As botocore names them; empty when unknown. Region is empty for global services that were not
  // signed for one.
  std::string partition;
  std::string region;
  // Twelve digits, or empty.
  std::string account;
  // Of whoever signed the request, ARN of a role, where it is known; else empty.
  std::string role;
  std::vector<Access> accesses;
  // Something that names a resource was beyond what was read of the body, so that "*" stands for
  // it.
  bool truncated = false;
  Answer answer = Answer::kNone;

  bool Succeeded() const { return answer == Answer::kSucceeded; }
};

// Stateless and thread-safe.
class Recognizer {
 public:
  // By the head alone.
  static BodyNeeds NeedsOf(const RequestHead& head);
  // `response.status` is 0 when there was no answer. `memory` learns from answers of STS, and tells
  // who a key belongs to.
  static Recognition Recognize(const RequestHead& head, const Body& body,
                               const ResponseHead& response, const Body& response_body,
                               AnswerMemory& memory);
};

// Whether a host name is one of an AWS API endpoint that the table knows: what DNS leads to the
// proxy, and the proxy lets through. Databases, load balancers, brokers and other data planes under
// amazonaws.com are not. Any letter case; a trailing dot is allowed.
bool IsApiEndpoint(std::string_view host);

}  // namespace network_mapper::aws
