#include "aws-visibility/iam/batch_answer.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "aws-visibility/iam/body_readers.h"
#include "aws-visibility/iam/outcome.h"

namespace network_mapper::aws {
namespace {

// As many as any of the operations takes.
constexpr size_t kMostParts = 1000;

// Elements as they are written, in order.
using Parts = std::vector<std::string_view>;

// The answer has an element for each of the request, in the same order.
struct OrderedBatch {
  std::string_view service;
  std::string_view operation;
  std::string_view asked;
  std::string_view answered;
  // Members of the answer's element: that it has is an error, and the error's code.
  std::string_view error;
  std::string_view code;
};

constexpr std::array<OrderedBatch, 2> kOrdered = {{
    // API_BatchExecuteStatement, API_PutEvents of AWS' documentation.
    {"dynamodb", "BatchExecuteStatement", "Statements", "Responses", "Error", "Error.Code"},
    {"events", "PutEvents", "Entries", "Entries", "ErrorCode", "ErrorCode"},
}};

const OrderedBatch* FindOrdered(const OperationRow& operation) {
  const auto* const found =
      std::find_if(kOrdered.begin(), kOrdered.end(), [&](const OrderedBatch& batch) {
        return batch.service == operation.service->name && batch.operation == operation.name;
      });
  return found == kOrdered.end() ? nullptr : found;
}

// False: more than there can be, or not written as the protocol says.
bool ReadParts(std::string_view body, std::string_view list, Parts& parts) {
  const bool whole = ReadJsonElements(body, list, [&](std::string_view element) {
    if (parts.size() <= kMostParts) {
      parts.push_back(element);
    }
  });
  return whole && parts.size() <= kMostParts;
}

BatchAnswer ReadOrdered(const OrderedBatch& batch, std::string_view request,
                        std::string_view response) {
  Parts asked;
  Parts answered;
  if (!ReadParts(request, batch.asked, asked) || !ReadParts(response, batch.answered, answered) ||
      asked.size() != answered.size()) {
    return {};
  }
  Parts done;
  Answer refusal = Answer::kFailed;
  for (size_t i = 0; i < asked.size(); ++i) {
    WantedFields wanted;
    FieldValue error;
    FieldValue code;
    wanted.Want(batch.error, {}, error);
    wanted.Want(batch.code, {}, code);
    if (!ReadJson(answered[i], wanted)) {
      return {};
    }
    if (error.Empty()) {
      done.push_back(asked[i]);
    } else if (!code.values.empty() && IsDenial(code.values.front())) {
      refusal = Answer::kDenied;
    }
  }
  if (done.empty()) {
    return {.answer = refusal, .done = {}};
  }
  return {.answer = Answer::kSucceeded,
          .done = fmt::format(R"({{"{}":[{}]}})", batch.asked, fmt::join(done, ","))};
}

// What grants of objects depend on.
using ObjectName = std::pair<std::string, bool>;

struct DeletionAnswer {
  std::set<ObjectName> deleted;
  std::set<ObjectName> refused;
  Answer refusal = Answer::kFailed;
};

// S3's API_DeleteObjects: with Quiet only what was refused is in the answer.
BatchAnswer ReadDeletion(std::string_view request, std::string_view response) {
  DeletionAnswer answer;
  bool whole = ReadS3Objects(response, "DeleteResult", [&](const S3ObjectPart& part) {
    if (part.element == "Deleted") {
      answer.deleted.emplace(part.key, part.has_version);
    } else if (part.element == "Error") {
      answer.refused.emplace(part.key, part.has_version);
      answer.refusal = IsDenial(part.code) ? Answer::kDenied : answer.refusal;
    }
  });
  std::vector<std::pair<ObjectName, std::string_view>> asked;
  std::set<ObjectName> names;
  whole = whole && ReadS3Objects(request, "Delete", [&](const S3ObjectPart& part) {
            if (part.element == "Object" && asked.size() <= kMostParts) {
              asked.emplace_back(ObjectName(part.key, part.has_version), part.raw);
              names.insert(asked.back().first);
            }
          });
  // A name that was not asked for: request or answer was not read as S3 means it.
  if (!whole || asked.size() > kMostParts ||
      !std::includes(names.begin(), names.end(), answer.deleted.begin(), answer.deleted.end()) ||
      !std::includes(names.begin(), names.end(), answer.refused.begin(), answer.refused.end())) {
    return {};
  }
  std::string done;
  for (const auto& [name, raw] : asked) {
    if (answer.deleted.empty() ? !answer.refused.contains(name) : answer.deleted.contains(name)) {
      done += raw;
    }
  }
  if (done.empty()) {
    return {.answer = answer.refusal, .done = {}};
  }
  return {.answer = Answer::kSucceeded, .done = fmt::format("<Delete>{}</Delete>", done)};
}

bool IsDeletion(const OperationRow& operation) {
  return operation.service->name == "s3" && operation.name == "DeleteObjects";
}

// The table's row takes what was done from the answer's names.
bool IsOfSecrets(const OperationRow& operation) {
  return operation.service->name == "secretsmanager" && operation.name == "BatchGetSecretValue";
}

}  // namespace

bool IsBatch(const OperationRow& operation) {
  return IsDeletion(operation) || IsOfSecrets(operation) || FindOrdered(operation) != nullptr;
}

BatchAnswer ReadBatchAnswer(const OperationRow& operation, BodyKind kind, const Body& request,
                            const Body& response) {
  if (!request.complete || !response.complete) {
    return {};
  }
  if (IsDeletion(operation)) {
    return ReadDeletion(request.bytes, response.bytes);
  }
  if (kind != BodyKind::kJson) {
    return {};
  }
  if (const OrderedBatch* const batch = FindOrdered(operation)) {
    return ReadOrdered(*batch, request.bytes, response.bytes);
  }
  Parts secrets;
  return {.answer = ReadParts(response.bytes, "SecretValues", secrets) ? Answer::kSucceeded
                                                                       : Answer::kNone,
          .done = {}};
}

}  // namespace network_mapper::aws
