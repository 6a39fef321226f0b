#include "tests/support/kube_stand_in/request_words.h"

#include <fmt/format.h>

namespace network_mapper::stand_in {

namespace {

std::string VerbOf(const httplib::Request& request, const std::optional<RequestPath>& path) {
  if (request.method != "GET") {
    return request.method == "POST"    ? "create"
           : request.method == "PUT"   ? "update"
           : request.method == "PATCH" ? "patch"
                                       : "delete";
  }
  if (!path || path->plural.empty() || !path->name.empty()) {
    return "get";
  }
  return IsTrue(request, "watch") ? "watch" : "list";
}

}  // namespace

RequestWords::RequestWords(const httplib::Request& request)
    : path(ParseRequestPath(request.path)), verb(VerbOf(request, path)) {}

std::string RequestWords::Forbidden() const {
  if (!path) {
    return fmt::format("forbidden: User \"stand-in\" cannot {} path", verb);
  }
  const std::string resource =
      path->subresource.empty() ? path->plural : path->plural + "/" + path->subresource;
  return fmt::format(
      R"({}{} is forbidden: User "stand-in" cannot {} resource "{}" in API group "{}" {})",
      path->plural, path->name.empty() ? "" : fmt::format(" \"{}\"", path->name), verb, resource,
      path->group,
      path->name_space.empty() ? "at the cluster scope"
                               : fmt::format("in the namespace \"{}\"", path->name_space));
}

bool IsTrue(const httplib::Request& request, const char* parameter) {
  const std::string value = request.get_param_value(parameter);
  return value == "true" || value == "1";
}

bool WantsMetadataOnly(const httplib::Request& request) {
  return request.get_header_value("Accept").find("as=PartialObjectMetadata") != std::string::npos;
}

}  // namespace network_mapper::stand_in
