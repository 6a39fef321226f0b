#include "tests/support/kube_stand_in/service_proxy.h"

#include "tests/support/kube_stand_in/answers.h"

namespace network_mapper::stand_in {

void ProxyToService(const httplib::Request& request, const RequestPath& path,
                    const ServiceBackends& backends, const ObjectStore& store,
                    httplib::Response& response) {
  const auto backend = backends.find(path.name_space + "/" + path.name);
  if (backend == backends.end()) {
    const std::string service = path.name.substr(0, path.name.find(':'));
    const auto services = store.TypeByPath("", "v1", "services");
    if (store.Get(*services, {path.name_space, service}) == nullptr) {
      AnswerError(response, NotFound("services \"{}\" not found", service));
    } else {
      AnswerError(response, 503, "ServiceUnavailable",
                  "no endpoints available for service \"" + path.name + "\"");
    }
    return;
  }
  httplib::Client client(backend->second);
  std::string target = "/" + path.rest;
  if (const size_t query = request.target.find('?'); query != std::string::npos) {
    target += request.target.substr(query);
  }
  const std::string type = request.get_header_value("Content-Type");
  // An API server keeps who asks to itself.
  httplib::Headers headers;
  if (request.has_header("X-Network-Mapper-Token")) {
    headers.emplace("X-Network-Mapper-Token", request.get_header_value("X-Network-Mapper-Token"));
  }
  const httplib::Result result = request.method == "POST"
                                     ? client.Post(target, headers, request.body, type)
                                     : client.Get(target, headers);
  if (!result) {
    AnswerError(response, 503, "ServiceUnavailable",
                "error trying to reach service: " + httplib::to_string(result.error()));
    return;
  }
  response.status = result->status;
  response.set_content(result->body, result->get_header_value("Content-Type"));
}

}  // namespace network_mapper::stand_in
