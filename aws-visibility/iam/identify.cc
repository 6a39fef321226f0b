#include "aws-visibility/iam/identify.h"

#include <algorithm>
#include <vector>

#include "aws-visibility/iam/request_text.h"
#include "aws-visibility/iam/route_match.h"

namespace network_mapper::aws {
namespace {

constexpr size_t kMostName = 128;

// Letters and digits: what operations are called.
bool IsOperationName(std::string_view text) {
  return !text.empty() && text.size() <= kMostName &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
         });
}

bool Contains(std::span<const NamedService> services, size_t service) {
  return std::any_of(services.begin(), services.end(),
                     [&](const NamedService& one) { return one.service == service; });
}

// Services of requests that are signed so; they may be several.
std::span<const NamedService> SignedFor(const HeadFacts& facts) {
  return Find(ServicesBySigningName(), facts.signature.service);
}

// The one of `services` that has the operation, of those that answer at the endpoint; the signature
// decides between several. A request may say anything: what another service would do with it is not
// what happens.
void Choose(std::span<const NamedService> services, std::string_view name, const HeadFacts& facts,
            Identity& identity) {
  int best = -1;
  for (const NamedService& one : services) {
    if (!Contains(facts.endpoint.services, one.service)) {
      continue;
    }
    const ServiceRow& service = ServiceRows()[one.service];
    std::optional<OperationRow> operation = FindOperation(service, name);
    const int score = (operation ? 4 : 0) +
                      (service.signing_name == facts.signature.service ? 2 : 0) +
                      (service.name == service.signing_name ? 1 : 0);
    if (score > best) {
      best = score;
      identity.service = &service;
      identity.operation = operation;
    }
  }
  if (identity.service != nullptr && !identity.operation && IsOperationName(name)) {
    identity.unknown_operation = name;
  }
}

// X-Amz-Target: DynamoDB_20120810.GetItem
void IdentifyByTarget(std::string_view target, const HeadFacts& facts, Identity& identity) {
  const size_t dot = target.rfind('.');
  if (dot == std::string_view::npos) {
    return;
  }
  std::span<const NamedService> services = Find(ServicesByTarget(), target.substr(0, dot));
  if (services.empty()) {
    // A version that is not in the table.
    services = SignedFor(facts);
    if (services.size() != 1 || ServiceRows()[services.front().service].target_prefix.empty()) {
      return;
    }
  }
  Choose(services, target.substr(dot + 1), facts, identity);
}

// /service/GraniteServiceVersion20100801/operation/PutMetricData
void IdentifyByCborPath(const HeadFacts& facts, Identity& identity) {
  static constexpr std::string_view kService = "/service/";
  static constexpr std::string_view kOperation = "/operation/";
  const size_t middle = facts.path.find(kOperation);
  if (!facts.path.starts_with(kService) || middle == std::string_view::npos) {
    return;
  }
  const size_t name = kService.size();
  identity.body = BodyKind::kCbor;
  Choose(Find(ServicesByTarget(), facts.path.substr(name, middle - name)),
         facts.path.substr(middle + kOperation.size()), facts, identity);
}

// Action=Publish&Version=2010-03-31
void IdentifyByAction(std::string_view action, std::string_view version, const HeadFacts& facts,
                      Identity& identity) {
  std::vector<NamedService> services;
  const auto add = [&](bool any_version) {
    for (const NamedService& one : facts.endpoint.services) {
      const ServiceRow& row = ServiceRows()[one.service];
      if (row.speaks_query && (any_version || row.version == version)) {
        services.push_back(one);
      }
    }
  };
  add(false);
  if (services.empty()) {
    // Older clients have older versions.
    add(true);
  }
  Choose(services, action, facts, identity);
}

// Where forms are taken: "/", and a queue's path, "/123456789012/orders".
bool IsFormPath(std::string_view path) {
  return path == "/" || (path.size() > 14 && path.front() == '/' && IsAccount(path.substr(1, 12)) &&
                         path[13] == '/' && path.find('/', 14) == std::string_view::npos);
}

bool TryForm(std::string_view pairs, const HeadFacts& facts, Identity& identity) {
  const std::optional<std::string_view> action = FindInQuery(pairs, "Action");
  if (!action) {
    return false;
  }
  identity.body = BodyKind::kForm;
  identity.form = pairs;
  IdentifyByAction(*action, FindInQuery(pairs, "Version").value_or(""), facts, identity);
  return identity.service != nullptr;
}

// Candidates for URI templates: by the host, narrowed by the signature.
std::vector<size_t> RouteCandidates(const HeadFacts& facts) {
  std::vector<size_t> candidates;
  const std::span<const NamedService> by_signature = SignedFor(facts);
  for (const bool signed_for : {true, false}) {
    for (const NamedService& one : facts.endpoint.services) {
      if (!signed_for || Contains(by_signature, one.service)) {
        candidates.push_back(one.service);
      }
    }
    if (!candidates.empty()) {
      break;
    }
  }
  return candidates;
}

std::vector<size_t> ServiceIndexes(std::string_view name) {
  const ServiceRow* const service = ServiceNamed(name);
  return service == nullptr
             ? std::vector<size_t>()
             : std::vector<size_t>{static_cast<size_t>(service - ServiceRows().data())};
}

void TakeRoute(const ServiceRow& service, const RouteRequest& request, RouteMatch& best,
               Identity& identity) {
  std::array<std::string_view, Identity::kMostLabels> labels;
  const RouteMatch match = MatchRoutes(service, request, labels);
  if (!match.operation.empty() && (best.operation.empty() || match.rank > best.rank)) {
    best = match;
    identity.service = &service;
    identity.labels = labels;
  }
}

void IdentifyS3(const HeadFacts& facts, RouteRequest request, Identity& identity) {
  static const ServiceRow* const s3 = ServiceNamed("s3");
  identity.service = s3;
  std::string_view operation;
  if (facts.endpoint.s3 == S3Endpoint::kObjectLambda && request.method == Method::kPost &&
      request.path == "/WriteGetObjectResponse") {
    operation = "WriteGetObjectResponse";
  } else {
    request.first_label = facts.endpoint.before;
    RouteMatch match;
    TakeRoute(*s3, request, match, identity);
    operation = match.operation;
  }
  if (operation == "ListBuckets" && facts.endpoint.s3 == S3Endpoint::kExpressControl) {
    operation = "ListDirectoryBuckets";
  }
  if (operation.empty() && request.method == Method::kPost) {
    // A browser's upload; the key is in the form.
    const auto type = FindHeader(request.headers, "content-type");
    if (type && type->starts_with("multipart/form-data")) {
      operation = "PutObject";
    }
  }
  identity.operation = FindOperation(*s3, operation);
}

void IdentifyByRoute(const HeadFacts& facts, Identity& identity) {
  const std::optional<Method> method = MethodOf(facts.head.method);
  if (!method) {
    return;
  }
  // Smithy's clients say what they call, which no service reads; without it most have no query.
  const bool says_only_its_name =
      facts.query.starts_with("x-id=") && facts.query.find('&') == std::string_view::npos;
  const RouteRequest request{*method,
                             facts.path,
                             says_only_its_name ? std::string_view() : facts.query,
                             facts.head.headers,
                             {}};
  // On the endpoint for the making of directory buckets is a part of S3's control plane, too.
  const bool is_control =
      facts.endpoint.s3 == S3Endpoint::kExpressControl && facts.path.starts_with("/v20180820/");
  if (facts.endpoint.kind == EndpointKind::kS3 && !is_control) {
    IdentifyS3(facts, request, identity);
    return;
  }
  RouteMatch best;
  const std::vector<size_t> candidates =
      is_control ? ServiceIndexes("s3control") : RouteCandidates(facts);
  for (const size_t candidate : candidates) {
    TakeRoute(ServiceRows()[candidate], request, best, identity);
  }
  if (!best.operation.empty()) {
    identity.operation = FindOperation(*identity.service, best.operation);
  } else if (candidates.size() == 1) {
    identity.service = &ServiceRows()[candidates.front()];
  }
}

}  // namespace

HeadFacts::HeadFacts(const RequestHead& request) : head(request), host(request.host) {
  const std::string_view target = request.target.substr(0, request.target.find('#'));
  const size_t question = target.find('?');
  path = target.substr(0, question);
  query = question == std::string_view::npos ? std::string_view() : target.substr(question + 1);
  endpoint = ReadEndpoint(host);
  signature = ReadSignature(request.headers, query);
  const auto type = FindHeader(request.headers, "content-type");
  has_form = type && type->starts_with("application/x-www-form-urlencoded");
}

Identity Identify(const HeadFacts& facts, std::string_view body) {
  // Which of two would the service take?
  for (const std::string_view name : {"x-amz-target", "smithy-protocol", "x-amz-copy-source"}) {
    if (HasTwo(facts.head.headers, name)) {
      return {};
    }
  }
  // S3 has neither targets nor actions, and keys may be called anything.
  if (facts.endpoint.kind == EndpointKind::kS3) {
    Identity identity;
    IdentifyByRoute(facts, identity);
    return identity;
  }
  const bool is_post = facts.head.method == "POST";
  if (const auto protocol = FindHeader(facts.head.headers, "smithy-protocol");
      is_post && protocol && *protocol == "rpc-v2-cbor") {
    Identity identity;
    IdentifyByCborPath(facts, identity);
    if (identity.service != nullptr) {
      return identity;
    }
  }
  Identity identity;
  if (const auto target = FindHeader(facts.head.headers, "x-amz-target");
      is_post && facts.path == "/" && target) {
    IdentifyByTarget(*target, facts, identity);
    if (identity.service != nullptr) {
      return identity;
    }
  }
  const bool may_ask = is_post || facts.head.method == "GET";
  if (may_ask && IsFormPath(facts.path) && facts.query.find("Action=") != std::string_view::npos &&
      TryForm(facts.query, facts, identity)) {
    // Which of two actions would the service take?
    identity.needs_body = is_post && body.empty();
    return is_post && !body.empty() ? Identity() : identity;
  }
  if (facts.has_form && is_post && IsFormPath(facts.path)) {
    if (TryForm(body, facts, identity)) {
      return identity;
    }
    identity = {};
    identity.needs_body = body.empty();
  }
  IdentifyByRoute(facts, identity);
  return identity;
}

}  // namespace network_mapper::aws
