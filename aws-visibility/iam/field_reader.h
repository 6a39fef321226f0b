// Reads what a request's operation names resources by: its row's fields, from head, bodies, S3's
// paths and what earlier answers told.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "aws-visibility/iam/answer_memory.h"
#include "aws-visibility/iam/exchange.h"
#include "aws-visibility/iam/identify.h"
#include "aws-visibility/iam/s3_target.h"
#include "aws-visibility/iam/wanted_fields.h"

namespace network_mapper::aws {

// Of one request, whose operation is known.
class FieldReader {
 public:
  // All must outlive this.
  FieldReader(const HeadFacts& facts, const Identity& identity, const ResponseHead& response);

  // First what does not depend on where the request goes, then what does.
  void Read(const Body& body, const Body& response_body);
  void ReadPlaced(const ArnPlace& place, const Body& body, AnswerMemory& memory);

  // By the letters of the row's fields.
  const std::vector<FieldValue>& Fields() const { return fields_; }

  // The account that an ARN or a queue's URL in the request names; else empty.
  std::string Account() const;

 private:
  void ReadFromHead(char kind, std::string_view name, FieldValue& field);
  void ReadS3(std::string_view what, const ArnPlace& place, const Body& body, FieldValue& field);

  const HeadFacts& facts_;
  const Identity& identity_;
  const ResponseHead& response_;
  std::vector<FieldValue> fields_;
};

}  // namespace network_mapper::aws
