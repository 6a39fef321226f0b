// Which service and operation a request calls.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "aws-visibility/iam/endpoint.h"
#include "aws-visibility/iam/exchange.h"
#include "aws-visibility/iam/signature.h"
#include "aws-visibility/iam/table.h"

namespace network_mapper::aws {

enum class BodyKind : uint8_t { kJson, kCbor, kForm };

// What of a head several steps look at. Views into the head.
struct HeadFacts {
  explicit HeadFacts(const RequestHead& request);

  const RequestHead& head;
  std::string_view path;
  std::string_view query;
  HostName host;
  Endpoint endpoint;
  Signature signature;
  // The body is a form, by its Content-Type.
  bool has_form = false;
};

struct Identity {
  const ServiceRow* service = nullptr;
  std::optional<OperationRow> operation;
  // When the service has no such operation in the table: its name, where the request says one.
  std::string unknown_operation;
  BodyKind body = BodyKind::kJson;
  // With BodyKind::kForm: the form, which may be in the query.
  std::string_view form;
  // What is in the places of the URI template's labels, raw.
  static constexpr size_t kMostLabels = 16;
  std::array<std::string_view, kMostLabels> labels;
  // Only the body can tell: a form.
  bool needs_body = false;
};

// `body`: its first bytes; read of forms only.
Identity Identify(const HeadFacts& facts, std::string_view body);

}  // namespace network_mapper::aws
