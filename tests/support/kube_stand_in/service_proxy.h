// services/<name>:<port>/proxy/...: passes a request on to the program that plays the service.
#pragma once

#include <map>
#include <string>

#include "tests/support/kube_stand_in/object_store.h"
#include "tests/support/kube_stand_in/request_path.h"

namespace httplib {
struct Request;
struct Response;
}  // namespace httplib

namespace network_mapper::stand_in {

// "namespace/service:port" -> "http://host:port".
using ServiceBackends = std::map<std::string, std::string>;

// As an API server: 404 for a service that is not in the store and has no backend, 503 for one
// without a backend; the caller's credentials do not reach the backend.
void ProxyToService(const httplib::Request& request, const RequestPath& path,
                    const ServiceBackends& backends, const ObjectStore& store,
                    httplib::Response& response);

}  // namespace network_mapper::stand_in
