#include "common/graphql/engine.h"

#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "common/graphql/ast.h"
#include "common/graphql/coercion.h"
#include "common/graphql/error.h"
#include "common/graphql/execution.h"
#include "common/graphql/introspection.h"
#include "common/graphql/parser.h"
#include "common/graphql/plan.h"
#include "common/graphql/validation.h"

namespace network_mapper::graphql {

namespace {

Response Rejected(const std::vector<Error>& errors, Outcome outcome = Outcome::kRejected) {
  return {.outcome = outcome,
          .body = fmt::format("{{\"errors\":{},\"data\":null}}", ErrorsJson(errors)),
          .refusal = OkStatus()};
}

Response Rejected(const Error& error) {
  return Rejected(std::vector<Error>{error});
}

Response NotPermitted(Status refusal) {
  std::string_view code = kUnavailable;
  if (refusal.code() == StatusCode::kUnauthenticated) {
    code = kUnauthenticated;
  } else if (refusal.code() == StatusCode::kPermissionDenied) {
    code = kForbidden;
  }
  Response response =
      Rejected({{.message = StatusMessage(refusal), .locations = {}, .path = {}, .code = code}},
               Outcome::kNotPermitted);
  response.refusal = std::move(refusal);
  return response;
}

// Without __typename.
std::vector<std::string_view> FieldNames(const SelectionPlan& plan) {
  std::vector<std::string_view> names;
  for (const PlannedField& planned : plan.fields) {
    if (planned.type_name_json.empty()) {
      names.push_back(planned.field->name);
    }
  }
  return names;
}

Error Invalid(std::string message) {
  return {.message = std::move(message), .locations = {}, .path = {}, .code = kValidationFailed};
}

// Null when there is no such operation, or several and no name.
const OperationNode* FindOperation(const Document& document, std::string_view name) {
  if (name.empty()) {
    return document.operations.size() == 1 ? &document.operations.front() : nullptr;
  }
  for (const OperationNode& operation : document.operations) {
    if (operation.name == name) {
      return &operation;
    }
  }
  return nullptr;
}

Response Run(const SelectionPlan& plan, const void* root, const Limits& limits) {
  Execution execution({.errors = limits.errors, .bytes = limits.response_bytes});
  constexpr std::string_view kDataKey = "{\"data\":";
  execution.Output() = kDataKey;
  if (!execution.WriteSelection(plan, root)) {
    execution.Output() += "null";
  }
  if (!execution.Errors().empty()) {
    std::string data = execution.Output().substr(kDataKey.size());
    execution.Output() =
        fmt::format("{{\"errors\":{},\"data\":{}", ErrorsJson(execution.Errors()), data);
  }
  execution.Output() += '}';
  return {
      .outcome = Outcome::kExecuted, .body = std::move(execution.Output()), .refusal = OkStatus()};
}

}  // namespace

Engine::Engine(Schema& schema, Limits limits)
    : schema_(schema), limits_(limits), query_with_introspection_(*schema.Query()) {
  AddIntrospection(schema, query_with_introspection_);
}

Response Engine::Execute(const Request& request, const void* root) const {
  if (request.query.size() > limits_.document_bytes) {
    return Rejected(Error{
        .message = fmt::format("The document is longer than {} bytes.", limits_.document_bytes),
        .locations = {},
        .path = {},
        .code = kParseFailed});
  }
  auto parsed = ParseDocument(request.query, {.tokens = limits_.tokens, .depth = limits_.depth});
  if (const auto* error = std::get_if<Error>(&parsed)) {
    return Rejected(*error);
  }
  const auto& document = std::get<Document>(parsed);
  ValidationContext context{
      .schema = schema_, .query_type = query_with_introspection_, .max_errors = limits_.errors};
  std::vector<Error> errors = ValidateDocument(context, document);
  if (!errors.empty()) {
    return Rejected(errors);
  }
  if (document.operations.empty()) {
    return Rejected(Invalid("no operation provided"));
  }
  const OperationNode* operation = FindOperation(document, request.operation_name);
  if (operation == nullptr) {
    return Rejected(Invalid(fmt::format("operation {} not found", request.operation_name)));
  }
  if (request.queries_only && operation->kind != OperationKind::kQuery) {
    return Rejected({{.message = "GET requests only allow query operations",
                      .locations = {},
                      .path = {},
                      .code = {}}},
                    Outcome::kMutationRefused);
  }
  auto coerced = CoerceVariables(schema_, *operation, request.variables);
  if (const auto* error = std::get_if<Error>(&coerced)) {
    return Rejected(*error);
  }
  PlanInput input{.document = document,
                  .variables = std::get<Variables>(coerced),
                  .max_fields = limits_.fields,
                  .max_root_fields = limits_.root_fields};
  auto planned = MakePlan(input, *RootType(context, operation->kind), operation->selections);
  if (const auto* error = std::get_if<Error>(&planned)) {
    return Rejected(*error);
  }
  const SelectionPlan& plan = *std::get<std::unique_ptr<SelectionPlan>>(planned);
  if (operation->kind == OperationKind::kMutation && request.check_mutation) {
    if (Status refusal = request.check_mutation(FieldNames(plan)); !refusal.ok()) {
      return NotPermitted(std::move(refusal));
    }
  }
  return Run(plan, root, limits_);
}

}  // namespace network_mapper::graphql
