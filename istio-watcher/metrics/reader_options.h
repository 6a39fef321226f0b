// What can be set about the reading of a proxy's statistics.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace network_mapper::istio {

struct ReaderOptions {
  // The labels that users of Istio's Telemetry API chose for the method and the path; the first of
  // the list that a series has, and that is not "unknown", counts. A method label may hold both, as
  // in "GET /cart".
  std::vector<std::string> method_labels = {"request_method", "request_operation"};
  std::vector<std::string> path_labels = {"request_path", "request_url_path"};
  // In bytes, before ids are folded.
  size_t max_path = 1024;
  // Numbers, UUIDs and long hexadecimal words between two slashes become "{id}".
  bool fold_ids = false;
  // A longer line, or entry of the JSON form, is passed over.
  size_t max_line = size_t{64} * 1024;
  // A longer body is an error.
  size_t max_body = size_t{256} * 1024 * 1024;
  // What stands before the metric's name, for proxies that do not register Istio's namespaces: only
  // tests with a plain Envoy need "envoy_istiocustom_".
  std::string metric_prefix = {};
};

}  // namespace network_mapper::istio
