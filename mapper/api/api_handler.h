// The HTTP face of the API, as a function from request to response: /query (GraphQL over GET and
// POST), /healthz, /readyz and CORS, with the original's status codes and bodies. Thread-safe; no
// sockets.
#pragma once

#include <vector>

#include "common/concurrency/guarded.h"
#include "common/graphql/engine.h"
#include "common/http/diagnostics_server.h"
#include "common/http/http_server.h"
#include "common/http/peer_rate_limit.h"
#include "common/log/log.h"
#include "mapper/api/api_schema.h"
#include "mapper/ingest/collector_identity.h"

namespace network_mapper {

// What a request may do, by where it came in.
enum class ApiAccess : uint8_t {
  kFull,
  // No mutation, whatever token it shows.
  kReadOnly,
};

struct ApiLimits {
  // Empty: anybody may change the map.
  CheckRole check_role{};
  // GraphQL requests of one address; more are answered with 429. Not of loopback addresses, which
  // stand for whoever forwards the port. 0: as many as they like.
  double peer_requests_per_second = 0;
};

class ApiHandler {
 public:
  // What `root` refers to must outlive the handler.
  ApiHandler(ApiRoot root, std::vector<HealthCheck> readiness, ApiLimits limits = {});
  ApiHandler(const ApiHandler&) = delete;
  ApiHandler& operator=(const ApiHandler&) = delete;

  HttpResponse Handle(const HttpRequest& request, ApiAccess access = ApiAccess::kFull) const;

 private:
  HttpResponse Route(const HttpRequest& request, ApiAccess access) const;
  bool IsTooFast(const IpAddress& peer) const;
  HttpResponse HandleQuery(const HttpRequest& request, ApiAccess access) const;
  HttpResponse HandlePost(const HttpRequest& request, ApiAccess access) const;
  HttpResponse HandleGet(const HttpRequest& request) const;
  HttpResponse Execute(const graphql::Request& request) const;
  HttpResponse Refuse(graphql::Response response) const;

  ApiRoot root_;
  std::vector<HealthCheck> readiness_;
  ApiLimits limits_;
  mutable PeerRateLimit rate_limit_;
  mutable Guarded<LogRateLimit> log_limit_;
  graphql::Schema schema_;
  // Declared after the schema, which it completes.
  std::unique_ptr<graphql::Engine> engine_;
};

}  // namespace network_mapper
