// Operations on many things at once, of which an answer of 200 may refuse some, or all.
#pragma once

#include <optional>
#include <string>

#include "aws-visibility/iam/exchange.h"
#include "aws-visibility/iam/identify.h"
#include "aws-visibility/iam/table.h"

namespace network_mapper::aws {

struct BatchAnswer {
  // kSucceeded: something was done; kNone: the answer cannot be read, or does not fit the request.
  Answer answer = Answer::kNone;
  // The request as it would have been with what was done only; nullopt: it is that.
  std::optional<std::string> done;
};

// Whether the operation's answer has to be read.
bool IsBatch(const OperationRow& operation);

// Of such an operation's answer of 2xx.
BatchAnswer ReadBatchAnswer(const OperationRow& operation, BodyKind kind, const Body& request,
                            const Body& response);

}  // namespace network_mapper::aws
