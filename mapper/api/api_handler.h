// The HTTP face of the API, as a function from request to response: /query (GraphQL over GET and
// POST), /healthz, /readyz and CORS, with the original's status codes and bodies. Thread-safe; no
// sockets.
#pragma once

#include <vector>

#include "common/graphql/engine.h"
#include "common/http/diagnostics_server.h"
#include "common/http/http_server.h"
#include "mapper/api/api_schema.h"

namespace network_mapper {

class ApiHandler {
 public:
  // What `root` refers to must outlive the handler.
  ApiHandler(ApiRoot root, std::vector<HealthCheck> readiness);
  ApiHandler(const ApiHandler&) = delete;
  ApiHandler& operator=(const ApiHandler&) = delete;

  HttpResponse Handle(const HttpRequest& request) const;

 private:
  HttpResponse Route(const HttpRequest& request) const;
  HttpResponse HandleQuery(const HttpRequest& request) const;
  HttpResponse HandlePost(const HttpRequest& request) const;
  HttpResponse HandleGet(const HttpRequest& request) const;
  HttpResponse Execute(const graphql::Request& request) const;

  ApiRoot root_;
  std::vector<HealthCheck> readiness_;
  graphql::Schema schema_;
  // Declared after the schema, which it completes.
  std::unique_ptr<graphql::Engine> engine_;
};

}  // namespace network_mapper
