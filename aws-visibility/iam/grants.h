// From an operation's row of the table and what the request holds to IAM actions on ARNs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "aws-visibility/iam/recognizer.h"
#include "aws-visibility/iam/s3_target.h"
#include "aws-visibility/iam/table.h"
#include "aws-visibility/iam/wanted_fields.h"

namespace network_mapper::aws {

struct GrantInput {
  const OperationRow& operation;
  // By the letters of the row's fields.
  const std::vector<FieldValue>& fields;
  ArnPlace place;
  std::string_view method;
  // In place of the prefix of the operation's service; empty: that.
  std::string_view prefix;
};

enum class Expanded : uint8_t {
  kWhole,
  // Something was cut, so that "*" stands for more.
  kCut,
  // A name that no ARN can have, such as one with control characters, or one that there must be and
  // that was not found: "*" in its place would say more than what was called, so that there are no
  // accesses.
  kUntellable,
};

// Adds to `accesses` what the row's grants say; sorted, each resource once. A resource is one of
// several templates with "|" between, the first whose fields are there, or else the last, in which
// "*" stands for them. In a template {1}, {2}, {3} are partition, region, account; {a},
// {a:transform}, {a=default} a field; [...] is left out when its field is missing; "~" at the front
// stands for arn:P:prefix:R:A:, "^" for arn:P:. A value that is an ARN takes the place of all that
// is before it.
Expanded ExpandGrants(const GrantInput& input, std::vector<Access>& accesses);

// Puts what belongs to one resource together, sorted.
class AccessList {
 public:
  void Add(std::string_view resource, std::string_view action);
  std::vector<Access> Take();

 private:
  std::vector<std::pair<std::string, std::string>> pairs_;
};

// Index of a field's letter, of `count` fields; count when it is none.
size_t FieldIndex(char letter, size_t count);

}  // namespace network_mapper::aws
