#include "cli/forwarded_query.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/reset_token.h"
#include "common/http/response_head.h"
#include "common/kube/api_error.h"
#include "common/kube/forwarded_port.h"
#include "common/kube/paths.h"

namespace network_mapper::cli {

namespace {

using nlohmann::json;

constexpr size_t kLargestReply = size_t{256} << 20U;

// A part of a document; null where it is not there or of another type.
const json& At(const json& document, std::string_view pointer) {
  static const json null;
  const json::json_pointer path{std::string(pointer)};
  return document.contains(path) ? document.at(path) : null;
}

std::string TextAt(const json& document, std::string_view pointer) {
  const json& found = At(document, pointer);
  return found.is_string() ? found.get<std::string>() : "";
}

// Which pods are behind the service, and which of their ports: a number, or a name.
struct Backend {
  std::string selector;
  json port;
};

// Without the right to get services: as the chart names things.
StatusOr<Backend> FindBackend(kube::Client& client, const CliOptions& options,
                              const kube::RequestOptions& request) {
  Backend backend{.selector = "app=" + options.mapper_service_name,
                  .port = options.mapper_service_port};
  StatusOr<kube::Response> response =
      client.Get(fmt::format("/api/v1/namespaces/{}/services/{}",
                             kube::PercentEncode(options.mapper_namespace),
                             kube::PercentEncode(options.mapper_service_name)),
                 request);
  if (!response.ok()) {
    return kube::HttpCode(response.status()) == kForbidden ? StatusOr<Backend>(backend)
                                                           : response.status();
  }
  const json service = json::parse(response->body, nullptr, false);
  std::string selector;
  for (const auto& [key, value] : At(service, "/spec/selector").items()) {
    if (value.is_string()) {
      selector +=
          fmt::format("{}{}={}", selector.empty() ? "" : ",", key, value.get<std::string>());
    }
  }
  if (selector.empty()) {
    return NotFound("service {} in namespace {} selects no pods", options.mapper_service_name,
                    options.mapper_namespace);
  }
  backend.selector = selector;
  for (const json& port : At(service, "/spec/ports")) {
    if (At(port, "/port") == options.mapper_service_port && !At(port, "/targetPort").is_null()) {
      backend.port = At(port, "/targetPort");
    }
  }
  return backend;
}

bool IsReady(const json& pod) {
  const json& conditions = At(pod, "/status/conditions");
  return TextAt(pod, "/metadata/deletionTimestamp").empty() &&
         std::any_of(conditions.begin(), conditions.end(), [](const json& condition) {
           return TextAt(condition, "/type") == "Ready" && TextAt(condition, "/status") == "True";
         });
}

std::optional<uint16_t> NumberOf(const json& port, const json& pod) {
  if (port.is_string()) {
    for (const json& container : At(pod, "/spec/containers")) {
      for (const json& own : At(container, "/ports")) {
        if (At(own, "/name") == port) {
          return NumberOf(At(own, "/containerPort"), pod);
        }
      }
    }
  }
  if (!port.is_number_integer() || port <= 0 || port > std::numeric_limits<uint16_t>::max()) {
    return std::nullopt;
  }
  return port.get<uint16_t>();
}

StatusOr<kube::PodPort> FindPod(kube::Client& client, const CliOptions& options,
                                const kube::RequestOptions& request) {
  ASSIGN_OR_RETURN(const Backend backend, FindBackend(client, options, request));
  ASSIGN_OR_RETURN(const kube::Response response,
                   client.Get(fmt::format("/api/v1/namespaces/{}/pods?labelSelector={}",
                                          kube::PercentEncode(options.mapper_namespace),
                                          kube::PercentEncode(backend.selector)),
                              request));
  const json list = json::parse(response.body, nullptr, false);
  for (const json& pod : At(list, "/items")) {
    const std::optional<uint16_t> port = NumberOf(backend.port, pod);
    if (IsReady(pod) && port) {
      return kube::PodPort{.name_space = options.mapper_namespace,
                           .pod = TextAt(pod, "/metadata/name"),
                           .port = *port};
    }
  }
  return Unavailable("no pod with {} in namespace {} is ready", backend.selector,
                     options.mapper_namespace);
}

// The answer to the one request of the connection.
StatusOr<HttpReply> ReadReply(kube::ForwardedPort& port) {
  std::string received;
  std::optional<ResponseHead> head;
  while (!head || received.size() < head->size + head->ContentLength().value_or(0)) {
    ASSIGN_OR_RETURN(const std::string more, port.Read());
    if (more.empty()) {
      return Unavailable("the connection to the mapper's pod ended before its answer");
    }
    received += more;
    if (!head) {
      ASSIGN_OR_RETURN(head, ParseResponseHead(received));
    }
    if (head && head->ContentLength().value_or(kLargestReply + 1) > kLargestReply) {
      return Unavailable("the mapper's answer has no length, or is longer than {} bytes",
                         kLargestReply);
    }
  }
  return HttpReply{.status = head->code,
                   .body = received.substr(head->size, *head->ContentLength())};
}

}  // namespace

StatusOr<HttpReply> PostThroughPod(kube::Client& client, const CliOptions& options,
                                   const std::string& body, const std::string& token,
                                   std::chrono::milliseconds timeout) {
  kube::RequestOptions request;
  request.timeout = timeout;
  ASSIGN_OR_RETURN(const kube::PodPort target, FindPod(client, options, request));
  ASSIGN_OR_RETURN(const std::unique_ptr<kube::ForwardedPort> port,
                   kube::ForwardedPort::Open(client, target, timeout));
  const std::string shown =
      token.empty() ? std::string() : fmt::format("{}: {}\r\n", kTokenHeader, token);
  RETURN_IF_ERROR(
      port->Write(fmt::format("POST /query HTTP/1.1\r\nHost: {}:{}\r\nConnection: close\r\n{}"
                              "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
                              options.mapper_service_name, target.port, shown, body.size(), body)));
  return ReadReply(*port);
}

}  // namespace network_mapper::cli
