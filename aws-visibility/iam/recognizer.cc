#include "aws-visibility/iam/recognizer.h"

#include <algorithm>
#include <array>

#include "aws-visibility/iam/answer_memory.h"
#include "aws-visibility/iam/batch_answer.h"
#include "aws-visibility/iam/body_readers.h"
#include "aws-visibility/iam/field_reader.h"
#include "aws-visibility/iam/grants.h"
#include "aws-visibility/iam/identify.h"
#include "aws-visibility/iam/outcome.h"
#include "aws-visibility/iam/request_text.h"
#include "aws-visibility/iam/s3_target.h"
#include "aws-visibility/iam/transforms.h"

namespace network_mapper::aws {
namespace {

// Of answers, too, that tell of each name in the request.
constexpr size_t kNamesInRequest = size_t{1} << 20;
constexpr size_t kNamesInResponse = size_t{64} * 1024;
// Enough for a denial's text.
constexpr size_t kDenial = size_t{4} * 1024;

constexpr std::string_view kRole = "role";

bool IsRegionText(std::string_view text) {
  return !text.empty() && text.size() <= 32 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

// Where the request goes, as far as its head tells.
void ReadPlace(const HeadFacts& facts, Recognition& recognition) {
  recognition.partition = PartitionOfRegion(facts.signature.region);
  if (!recognition.partition.empty()) {
    recognition.region = facts.signature.region;
    return;
  }
  if (!facts.endpoint.region.empty()) {
    recognition.region = facts.endpoint.region;
  } else if (const auto set = FindHeader(facts.head.headers, "x-amz-region-set");
             set && IsRegionText(*set)) {
    recognition.region = *set;
  }
  recognition.partition = PartitionOfRegion(recognition.region);
  if (recognition.partition.empty()) {
    recognition.partition = facts.endpoint.partition;
  }
}

std::string AccountOfHead(const HeadFacts& facts, std::string_view service) {
  const std::string_view before = facts.endpoint.before;
  if (IsAccount(before)) {
    return std::string(before);
  }
  if (before.size() > 13 && facts.endpoint.kind == EndpointKind::kS3 &&
      facts.endpoint.s3 == S3Endpoint::kAccessPoint) {
    return std::string(before.substr(before.size() - 12));
  }
  // Other services do not look at these, so that anything may stand there.
  std::string_view name;
  if (facts.endpoint.kind == EndpointKind::kS3) {
    name = "x-amz-expected-bucket-owner";
  } else if (service == "s3control") {
    name = "x-amz-account-id";
  }
  const auto value = name.empty() ? std::nullopt : FindHeader(facts.head.headers, name);
  return value && IsAccount(*value) ? std::string(*value) : std::string();
}

// S3's siblings have the same operations under prefixes of their own.
std::string_view S3Prefix(const HeadFacts& facts) {
  switch (facts.endpoint.s3) {
    case S3Endpoint::kExpress:
    case S3Endpoint::kExpressControl:
      return "s3express";
    case S3Endpoint::kOutposts:
      return "s3-outposts";
    case S3Endpoint::kObjectLambda:
      return "s3-object-lambda";
    default:
      return {};
  }
}

// The role of an answer to AssumeRole and its like; empty when it tells none. Its path is in the
// request only, which is not believed more than that.
std::string AssumedRole(std::string_view answer, const FieldValue& asked) {
  size_t at = std::min(answer.find("<AssumedRoleUser"), answer.size());
  const auto caller = ReadXmlText(answer, "Arn", at);
  std::string role = caller ? RoleOfCaller(*caller) : std::string();
  const auto name = [](std::string_view arn) { return arn.substr(arn.rfind('/') + 1); };
  for (const std::string& value : asked.values) {
    if (ArnPart(value, 4) == ArnPart(role, 4) && name(value) == name(role) &&
        ArnPart(value, 5).starts_with("role/") && EscapeForArn(value)) {
      return value;
    }
  }
  return role;
}

// Answers of STS tell who a key belongs to.
void LearnFromSts(const HeadFacts& facts, const Identity& identity, const Body& answer,
                  AnswerMemory& memory, Recognition& recognition) {
  const std::string_view operation = identity.operation->name;
  size_t at = 0;
  if (operation == "GetCallerIdentity") {
    if (const auto arn = ReadXmlText(answer.bytes, "Arn", at)) {
      const std::string role = RoleOfCaller(*arn);
      // A role's path is in requests only.
      if (!role.empty() && !memory.Recall(kRole, facts.signature.key_id)) {
        memory.Remember(kRole, facts.signature.key_id, role);
        recognition.role = role;
      }
    }
    return;
  }
  if (!operation.starts_with("AssumeRole")) {
    return;
  }
  const auto key_id = ReadXmlText(answer.bytes, "AccessKeyId", at);
  WantedFields wanted;
  FieldValue asked;
  wanted.Want("RoleArn", {}, asked);
  ReadForm(identity.form, wanted);
  const std::string role = AssumedRole(answer.bytes, asked);
  if (role.empty()) {
    return;
  }
  if (key_id) {
    memory.Remember(kRole, *key_id, role);
  }
  // Nobody signed it; but whoever called is that role from here on.
  if (operation != "AssumeRole") {
    recognition.role = role;
  }
}

// "> kind path": remembers the call's resource for a name in its answer.
void LearnNames(const OperationRow& operation, BodyKind kind, const Body& answer,
                const std::vector<Access>& accesses, AnswerMemory& memory) {
  std::string_view grants = operation.grants;
  while (!grants.empty()) {
    std::string_view grant = TakePiece(grants, '\t');
    if (TakePiece(grant, ' ') != ">") {
      continue;
    }
    const std::string_view what = TakePiece(grant, ' ');
    // Of one resource only; what is unknown is not worth it.
    if (accesses.size() != 1 || accesses.front().resource.find('*') != std::string::npos) {
      return;
    }
    WantedFields wanted;
    FieldValue value;
    wanted.Want(grant, {}, value);
    kind == BodyKind::kCbor ? ReadCbor(answer.bytes, wanted) : ReadJson(answer.bytes, wanted);
    if (!value.values.empty()) {
      memory.Remember(what, value.values.front(), accesses.front().resource);
    }
  }
}

// What a denial says is exact: it takes the place of what was concluded for that action.
void TakeDenial(const Denial& denial, Recognition& recognition) {
  const std::string role = RoleOfCaller(denial.caller);
  if (recognition.role.empty()) {
    recognition.role = role;
  }
  const std::optional<std::string> resource =
      denial.resource.empty() ? std::nullopt : EscapeForArn(denial.resource);
  if (!resource) {
    return;
  }
  AccessList list;
  for (const Access& access : recognition.accesses) {
    for (const std::string& action : access.actions) {
      if (action != denial.action) {
        list.Add(access.resource, action);
      }
    }
  }
  list.Add(*resource, denial.action);
  recognition.accesses = list.Take();
}

bool IsTarget(std::string_view target) {
  return target.starts_with('/');
}

void RecognizeOperation(const HeadFacts& facts, const Identity& identity, Body body,
                        const ResponseHead& response, Body response_body, AnswerMemory& memory,
                        Recognition& recognition) {
  const OperationRow& operation = *identity.operation;
  const bool is_s3 = operation.service->name == "s3";
  recognition.result = RecognitionResult::kRecognized;
  if (operation.NeedsNothing() ||
      (is_s3 && facts.endpoint.s3 == S3Endpoint::kExpress && operation.name != "CreateSession")) {
    // In a zone's buckets the session is the permission.
    recognition.result = RecognitionResult::kNeedsNoPermission;
  } else if (operation.HasNoAction()) {
    recognition.result = RecognitionResult::kUnknownOperation;
  }
  BatchAnswer batch;
  if (recognition.Succeeded() && IsBatch(operation)) {
    batch = ReadBatchAnswer(operation, identity.body, body, response_body);
    recognition.answer = batch.answer;
    body.bytes = batch.done ? std::string_view(*batch.done) : body.bytes;
    response_body = batch.answer == Answer::kNone ? Body() : response_body;
  }
  FieldReader reader(facts, identity, response);
  reader.Read(body, response_body);
  if (recognition.account.empty()) {
    recognition.account = reader.Account();
  }
  if (recognition.account.empty()) {
    recognition.account = ArnPart(recognition.role, 4);
  }
  if (recognition.account.empty()) {
    recognition.account = AccountOfKeyId(facts.signature.key_id);
  }
  if (recognition.result == RecognitionResult::kRecognized) {
    const ArnPlace place{recognition.partition, recognition.region, recognition.account};
    reader.ReadPlaced(place, body, memory);
    const Expanded expanded = ExpandGrants(
        {operation, reader.Fields(), place, facts.head.method, is_s3 ? S3Prefix(facts) : ""},
        recognition.accesses);
    recognition.truncated = expanded == Expanded::kCut;
    if (expanded == Expanded::kUntellable) {
      recognition.result = RecognitionResult::kMalformed;
      return;
    }
  }
  if (recognition.Succeeded()) {
    if (operation.service->name == "sts") {
      LearnFromSts(facts, identity, response_body, memory, recognition);
    }
    LearnNames(operation, identity.body, response_body, recognition.accesses, memory);
  }
}

}  // namespace

std::string_view RecognitionResultName(RecognitionResult result) {
  static constexpr std::array<std::string_view, 5> kNames = {
      "recognized", "unknown_operation", "needs_no_permission", "unknown_service", "malformed"};
  return kNames[static_cast<size_t>(result)];
}

BodyNeeds Recognizer::NeedsOf(const RequestHead& head) {
  if (!IsTarget(head.target)) {
    return {};
  }
  const HeadFacts facts(head);
  const Identity identity = Identify(facts, {});
  BodyNeeds needs{0, kDenial};
  if (identity.needs_body) {
    return {kNamesInRequest, kNamesInResponse};
  }
  if (!identity.operation) {
    return needs;
  }
  const OperationRow& operation = *identity.operation;
  std::string_view fields = operation.fields;
  while (!fields.empty()) {
    const std::string_view field = TakePiece(fields, ' ');
    if (field.starts_with('b') || field.starts_with("sdeleted")) {
      needs.request = kNamesInRequest;
    } else if (field.starts_with('r')) {
      needs.response = kNamesInResponse;
    }
  }
  if (IsBatch(operation)) {
    needs.response = kNamesInRequest;
  } else if (operation.grants.find("> ") != std::string_view::npos ||
             operation.service->name == "sts") {
    needs.response = kNamesInResponse;
  }
  return needs;
}

Recognition Recognizer::Recognize(const RequestHead& head, const Body& body,
                                  const ResponseHead& response, const Body& response_body,
                                  AnswerMemory& memory) {
  Recognition recognition;
  if (head.method.empty() || !IsTarget(head.target)) {
    recognition.result = RecognitionResult::kMalformed;
    return recognition;
  }
  const HeadFacts facts(head);
  const Identity identity = Identify(facts, body.bytes);
  if (identity.service == nullptr) {
    return recognition;
  }
  recognition.service = identity.service->name;
  const Outcome outcome = ReadOutcome(response, response_body);
  recognition.answer = outcome.answer;
  ReadPlace(facts, recognition);
  if (!facts.signature.key_id.empty()) {
    recognition.role = memory.Recall(kRole, facts.signature.key_id).value_or("");
  }
  recognition.account = AccountOfHead(facts, recognition.service);
  if (identity.operation) {
    recognition.operation = identity.operation->name;
    RecognizeOperation(facts, identity, body, response, response_body, memory, recognition);
  } else {
    recognition.result = RecognitionResult::kUnknownOperation;
    if (!identity.unknown_operation.empty()) {
      recognition.accesses.push_back(
          {"*", {std::string(identity.service->prefix) + ":" + identity.unknown_operation}});
    }
  }
  if (outcome.denial) {
    TakeDenial(*outcome.denial, recognition);
  }
  return recognition;
}

}  // namespace network_mapper::aws
