// What a request asks for, in Kubernetes' words.
#pragma once

#include <httplib.h>

#include <charconv>
#include <optional>
#include <string>

#include "tests/support/kube_stand_in/request_path.h"

namespace network_mapper::stand_in {

struct RequestWords {
  explicit RequestWords(const httplib::Request& request);

  // How the API server refuses it to somebody without the right.
  std::string Forbidden() const;

  // Absent for paths that lead to no resource.
  std::optional<RequestPath> path;
  // "get", "list", "watch", "create", "update", "patch" or "delete".
  std::string verb;
};

bool IsTrue(const httplib::Request& request, const char* parameter);
bool WantsMetadataOnly(const httplib::Request& request);

// Absent when the parameter is no number.
template <typename Number>
std::optional<Number> NumberParameter(const httplib::Request& request, const char* parameter) {
  const std::string text = request.get_param_value(parameter);
  Number number{};
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) {
    return std::nullopt;
  }
  return number;
}

}  // namespace network_mapper::stand_in
