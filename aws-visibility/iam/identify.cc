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

// The one of `services` that has the operation; the host decides between several, then the
// signature.
void Choose(std::span<const NamedService> services, std::string_view name, const HeadFacts& facts,
            Identity& identity) {
  int best = -1;
  for (const NamedService& one : services) {
    const ServiceRow& service = ServiceRows()[one.service];
    std::optional<OperationRow> operation = FindOperation(service, name);
    const int score = (operation ? 4 : 0) +
                      (Contains(facts.endpoint.services, one.service) ? 2 : 0) +
                      (service.name == service.signing_name ? 1 : 0);
    if (score > best) {
      best = score;
      identity.service = &service;
      identity.operation = operation;
    }
  }
  if (!identity.operation && IsOperationName(name)) {
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
    services = SignedFor(facts);
    if (services.size() != 1) {
      return;
    }
  }
  Choose(services, target.substr(dot + 1), facts, identity);
}

// /service/GraniteServiceVersion20100801/operation/PutMetricData
void IdentifyByCborPath(const HeadFacts& facts, Identity& identity) {
  static constexpr std::string_view kService = "/service/";
  static constexpr std::string_view kOperation = "/operation/";
  const size_t start = facts.path.rfind(kService);
  const size_t middle = facts.path.rfind(kOperation);
  if (start == std::string_view::npos || middle == std::string_view::npos ||
      middle < start + kService.size()) {
    return;
  }
  const size_t name = start + kService.size();
  identity.body = BodyKind::kCbor;
  Choose(Find(ServicesByTarget(), facts.path.substr(name, middle - name)),
         facts.path.substr(middle + kOperation.size()), facts, identity);
}

// Action=Publish&Version=2010-03-31
void IdentifyByAction(std::string_view action, std::string_view version, const HeadFacts& facts,
                      Identity& identity) {
  identity.body = BodyKind::kForm;
  // Mostly that alone decides: what it is signed for, in its version.
  std::vector<NamedService> services;
  std::copy_if(SignedFor(facts).begin(), SignedFor(facts).end(), std::back_inserter(services),
               [&](const NamedService& one) {
                 const ServiceRow& row = ServiceRows()[one.service];
                 return row.speaks_query && row.signing_name == facts.signature.service &&
                        row.version == version;
               });
  const auto add = [&](bool any_version) {
    const std::span<const ServiceRow> rows = ServiceRows();
    for (size_t i = 0; i < rows.size(); ++i) {
      if (rows[i].speaks_query &&
          (any_version ? Contains(SignedFor(facts), i) || (facts.signature.service.empty() &&
                                                           Contains(facts.endpoint.services, i))
                       : rows[i].version == version)) {
        services.push_back({rows[i].name, static_cast<uint16_t>(i)});
      }
    }
  };
  if (services.empty()) {
    add(false);
  }
  if (services.empty()) {
    // Older clients have older versions.
    add(true);
  }
  Choose(services, action, facts, identity);
}

bool TryForm(std::string_view pairs, const HeadFacts& facts, Identity& identity) {
  const std::optional<std::string_view> action = FindInQuery(pairs, "Action");
  if (!action) {
    return false;
  }
  IdentifyByAction(*action, FindInQuery(pairs, "Version").value_or(""), facts, identity);
  return identity.service != nullptr;
}

bool IsS3Signature(std::string_view service) {
  return service.empty() || service == "s3" || service == "s3express" || service == "s3-outposts" ||
         service == "s3-object-lambda";
}

// Candidates for URI templates: by signature, narrowed by the host.
std::vector<size_t> RouteCandidates(const HeadFacts& facts) {
  std::vector<size_t> candidates;
  const std::span<const NamedService> by_host = facts.endpoint.services;
  const std::span<const NamedService> by_signature = SignedFor(facts);
  for (const NamedService& one : by_signature) {
    if (Contains(by_host, one.service)) {
      candidates.push_back(one.service);
    }
  }
  if (candidates.empty()) {
    for (const NamedService& one : by_signature.empty() ? by_host : by_signature) {
      candidates.push_back(one.service);
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
  // Smithy's clients say outright which operation it is.
  RouteMatch match;
  if (const auto id = FindInQuery(request.query, "x-id"); id && !id->empty()) {
    match = MatchRoutes(service, request, *id, labels);
  }
  if (match.operation.empty()) {
    match = MatchRoutes(service, request, {}, labels);
  }
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
  const RouteRequest request{*method, facts.path, facts.query, facts.head.headers, {}};
  // On the endpoint for the making of directory buckets is a part of S3's control plane, too.
  const bool is_control =
      facts.endpoint.s3 == S3Endpoint::kExpressControl && facts.path.starts_with("/v20180820/");
  if (facts.endpoint.kind == EndpointKind::kS3 && !is_control &&
      IsS3Signature(facts.signature.service)) {
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
  Identity identity;
  if (const auto protocol = FindHeader(facts.head.headers, "smithy-protocol");
      protocol && *protocol == "rpc-v2-cbor") {
    IdentifyByCborPath(facts, identity);
    return identity;
  }
  if (const auto target = FindHeader(facts.head.headers, "x-amz-target")) {
    IdentifyByTarget(*target, facts, identity);
    return identity;
  }
  // S3 has neither forms nor actions, and keys may be called anything.
  if (facts.endpoint.kind != EndpointKind::kS3) {
    if (facts.query.find("Action=") != std::string_view::npos &&
        TryForm(facts.query, facts, identity)) {
      return identity;
    }
    if (facts.has_form && facts.head.method == "POST") {
      if (TryForm(body, facts, identity)) {
        return identity;
      }
      identity.needs_body = body.empty();
    }
  }
  IdentifyByRoute(facts, identity);
  return identity;
}

}  // namespace network_mapper::aws
