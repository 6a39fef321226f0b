#include "tests/support/kube_stand_in/request_path.h"

namespace network_mapper::stand_in {

namespace {

// Takes the part up to the next slash off the front.
std::string TakeSegment(std::string_view& path) {
  while (path.starts_with('/')) {
    path.remove_prefix(1);
  }
  const std::string segment(path.substr(0, path.find('/')));
  path.remove_prefix(segment.size());
  return segment;
}

}  // namespace

std::optional<RequestPath> ParseRequestPath(std::string_view path) {
  RequestPath parsed;
  const std::string root = TakeSegment(path);
  if (root == "apis") {
    parsed.group = TakeSegment(path);
  } else if (root != "api") {
    return std::nullopt;
  }
  parsed.version = TakeSegment(path);
  if (parsed.version.empty()) {
    return std::nullopt;
  }
  parsed.plural = TakeSegment(path);
  parsed.name = TakeSegment(path);
  parsed.subresource = TakeSegment(path);
  const bool inside_namespace = parsed.plural == "namespaces" && !parsed.subresource.empty() &&
                                parsed.subresource != "status" && parsed.subresource != "finalize";
  if (inside_namespace) {
    parsed.name_space = parsed.name;
    parsed.plural = parsed.subresource;
    parsed.name = TakeSegment(path);
    parsed.subresource = TakeSegment(path);
  }
  if (path.starts_with('/')) {
    path.remove_prefix(1);
  }
  parsed.rest = path;
  return parsed;
}

}  // namespace network_mapper::stand_in
