#include "mapper/api/api_handler.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/graphql/error.h"
#include "mapper/api/mutation_check.h"

namespace network_mapper {

namespace {

using graphql::Value;

constexpr std::string_view kJson = "application/json";
constexpr size_t kLongestQuotedBody = 1024;
constexpr std::chrono::seconds kLogInterval{60};

HttpResponse ErrorResponse(int status, std::string message, std::string_view content_type = kJson) {
  graphql::Error error{.message = std::move(message), .locations = {}, .path = {}, .code = {}};
  return {.status = status,
          .content_type = std::string(content_type),
          .body = fmt::format("{{\"errors\":{},\"data\":null}}", graphql::ErrorsJson({error})),
          .headers = {}};
}

HttpResponse TransportNotSupported() {
  return ErrorResponse(400, "transport not supported", "text/plain; charset=utf-8");
}

bool IsJson(const HttpRequest& request) {
  std::string_view type = request.Header("content-type").value_or("");
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ')) {
    type.remove_suffix(1);
  }
  return type == kJson;
}

// What is wrong with a request's JSON; empty when nothing is.
std::string ProblemOf(const StatusOr<Value>& body) {
  if (!body.ok()) {
    return StatusMessage(body.status());
  }
  if (body->As<Value::Object>() == nullptr) {
    return "a JSON object is expected";
  }
  for (const char* name : {"query", "operationName"}) {
    const Value* value = body->Field(name);
    if (value != nullptr && value->As<std::string>() == nullptr) {
      return fmt::format("{} must be a string", name);
    }
  }
  for (const char* name : {"variables", "extensions"}) {
    const Value* value = body->Field(name);
    if (value != nullptr && value->As<Value::Object>() == nullptr) {
      return fmt::format("{} must be an object", name);
    }
  }
  return "";
}

std::string TextField(const Value& body, std::string_view name) {
  const Value* value = body.Field(name);
  return value == nullptr ? std::string() : value->Text().value_or("");
}

// As the original's HTTP framework answers; a browser asks before it sends JSON.
void AddCrossOriginHeaders(const HttpRequest& request, HttpResponse& response) {
  bool preflight = request.method == "OPTIONS";
  response.headers.emplace_back("Vary", "Origin");
  if (preflight) {
    response.headers.emplace_back("Vary", "Access-Control-Request-Method");
    response.headers.emplace_back("Vary", "Access-Control-Request-Headers");
  }
  if (!request.Header("origin")) {
    return;
  }
  response.headers.emplace_back("Access-Control-Allow-Origin", "*");
  if (preflight) {
    response.headers.emplace_back("Access-Control-Allow-Methods", "GET,HEAD,PUT,PATCH,POST,DELETE");
    if (auto wanted = request.Header("access-control-request-headers")) {
      response.headers.emplace_back("Access-Control-Allow-Headers", std::string(*wanted));
    }
  }
}

}  // namespace

ApiHandler::ApiHandler(ApiRoot root, std::vector<HealthCheck> readiness, ApiLimits limits)
    : root_(std::move(root)),
      readiness_(std::move(readiness)),
      limits_(std::move(limits)),
      rate_limit_(limits_.peer_requests_per_second),
      log_limit_(LogRateLimit(kLogInterval)) {
  BuildApiSchema(schema_);
  engine_ = std::make_unique<graphql::Engine>(schema_);
}

HttpResponse ApiHandler::Handle(const HttpRequest& request, ApiAccess access) const {
  HttpResponse response = Route(request, access);
  AddCrossOriginHeaders(request, response);
  return response;
}

HttpResponse ApiHandler::Route(const HttpRequest& request, ApiAccess access) const {
  if (request.method == "OPTIONS") {
    return {.status = 204, .content_type = "", .body = "", .headers = {}};
  }
  if (request.path == "/query") {
    return HandleQuery(request, access);
  }
  if (request.path == "/healthz" || request.path == "/readyz") {
    if (request.method != "GET") {
      return MethodNotAllowedResponse("OPTIONS, GET");
    }
    if (request.path == "/readyz") {
      return RunHealthChecks(readiness_);
    }
    return {.status = 200, .content_type = "", .body = "", .headers = {}};
  }
  return NotFoundResponse();
}

bool ApiHandler::IsTooFast(const IpAddress& peer) const {
  return limits_.peer_requests_per_second > 0 && !peer.IsLoopback() &&
         !rate_limit_.Allow(peer, root_.clock.SteadyNow());
}

HttpResponse ApiHandler::HandleQuery(const HttpRequest& request, ApiAccess access) const {
  if (IsTooFast(request.peer)) {
    root_.metrics.too_fast_requests.Increment();
    return ErrorResponse(429, "too many requests from this address; try again in a second");
  }
  if (request.method == "GET") {
    return HandleGet(request);
  }
  if (request.method == "HEAD") {
    return {.status = 405, .content_type = "", .body = "", .headers = {}};
  }
  if (request.method != "POST" || !IsJson(request)) {
    return TransportNotSupported();
  }
  return HandlePost(request, access);
}

HttpResponse ApiHandler::HandlePost(const HttpRequest& request, ApiAccess access) const {
  StatusOr<Value> body = graphql::FirstValueFromJson(request.body);
  if (body.ok() && body->IsNull()) {
    return ErrorResponse(422, "internal system error");
  }
  if (std::string problem = ProblemOf(body); !problem.empty()) {
    return ErrorResponse(400, fmt::format("json request body could not be decoded: {} body:{}",
                                          problem, request.body.substr(0, kLongestQuotedBody)));
  }
  std::string query = TextField(*body, "query");
  const Value* extensions = body->Field("extensions");
  if (query.empty() && extensions != nullptr && extensions->Field("persistedQuery") != nullptr) {
    graphql::Error error{.message = "PersistedQueryNotFound",
                         .locations = {},
                         .path = {},
                         .code = "PERSISTED_QUERY_NOT_FOUND"};
    return {.status = 200,
            .content_type = std::string(kJson),
            .body = fmt::format("{{\"errors\":{},\"data\":null}}", graphql::ErrorsJson({error})),
            .headers = {}};
  }
  std::string operation_name = TextField(*body, "operationName");
  const Value* variables = body->Field("variables");
  return Execute({.query = query,
                  .operation_name = operation_name,
                  .variables = variables == nullptr ? Value() : *variables,
                  .queries_only = false,
                  .check_mutation = [&](const std::vector<std::string_view>& fields) {
                    return access == ApiAccess::kReadOnly
                               ? PermissionDenied("this port takes queries only")
                               : CheckMutation(limits_.check_role, request, fields);
                  }});
}

HttpResponse ApiHandler::HandleGet(const HttpRequest& request) const {
  Value variables;
  std::string_view text = request.Parameter("variables").value_or("");
  if (!text.empty()) {
    StatusOr<Value> parsed = graphql::FirstValueFromJson(text);
    if (!parsed.ok() || (!parsed->IsNull() && parsed->As<Value::Object>() == nullptr)) {
      return ErrorResponse(400, "variables could not be decoded");
    }
    variables = *std::move(parsed);
  }
  return Execute({.query = request.Parameter("query").value_or(""),
                  .operation_name = request.Parameter("operationName").value_or(""),
                  .variables = std::move(variables),
                  .queries_only = true,
                  .check_mutation = {}});
}

HttpResponse ApiHandler::Execute(const graphql::Request& request) const {
  graphql::Response response = engine_->Execute(request, &root_);
  int status = 200;
  switch (response.outcome) {
    case graphql::Outcome::kExecuted:
      root_.metrics.requests_ok.Increment();
      break;
    case graphql::Outcome::kRejected:
      root_.metrics.requests_refused.Increment();
      status = 422;
      break;
    case graphql::Outcome::kMutationRefused:
      root_.metrics.requests_refused.Increment();
      status = 406;
      break;
    case graphql::Outcome::kNotPermitted:
      return Refuse(std::move(response));
  }
  return {.status = status,
          .content_type = std::string(kJson),
          .body = std::move(response.body),
          .headers = {}};
}

HttpResponse ApiHandler::Refuse(graphql::Response response) const {
  if (log_limit_.With(
          [](LogRateLimit& limit) { return limit.Allow(std::chrono::steady_clock::now()); })) {
    LogWarn("mutation refused", {{"reason", StatusMessage(response.refusal)}});
  }
  HttpResponse answer{.status = 503,
                      .content_type = std::string(kJson),
                      .body = std::move(response.body),
                      .headers = {}};
  root_.metrics.requests_refused.Increment();
  if (response.refusal.code() == StatusCode::kUnauthenticated) {
    root_.metrics.unauthenticated_mutations.Increment();
    answer.status = 401;
    answer.headers.emplace_back("WWW-Authenticate", "Bearer");
  } else if (response.refusal.code() == StatusCode::kPermissionDenied) {
    root_.metrics.forbidden_mutations.Increment();
    answer.status = 403;
  } else {
    root_.metrics.unchecked_mutations.Increment();
  }
  return answer;
}

}  // namespace network_mapper
