#include "cli/mapper_connection.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/kube/api_error.h"
#include "common/kube/client.h"
#include "common/kube/cluster_access.h"
#include "common/kube/paths.h"

namespace network_mapper::cli {

namespace {

constexpr std::chrono::milliseconds kTimeout{10'000};
constexpr int kOk = 200;
constexpr int kUnauthorized = 401;
constexpr int kForbidden = 403;
constexpr int kNotFound = 404;
constexpr int kUnprocessable = 422;
constexpr int kUnavailable = 503;

// What the user can do about a failure on the way through the API server; absent when nothing
// better than the server's own words comes to mind. `code` is absent when the server gave no
// answer.
std::optional<std::string> ProxyAdvice(const CliOptions& options, const std::string& server,
                                       std::optional<int> code) {
  if (!code) {
    return fmt::format(
        "the API server {} gives no answer; are the kubeconfig and its context the right ones "
        "(--kubeconfig, --context), and is the cluster up?",
        server);
  }
  switch (*code) {
    case kUnauthorized:
      return fmt::format(
          "the API server {} does not accept the credentials of the kubeconfig; have they expired?",
          server);
    case kForbidden:
      return fmt::format(
          "you lack the right to create services/proxy in namespace {}, which is the way to the "
          "mapper; have a Role grant it, or forward the port yourself and use --mapper-url",
          options.mapper_namespace);
    case kNotFound:
      return fmt::format(
          "service {} is not in namespace {}; is the network mapper installed, and are "
          "--mapper-namespace and --mapper-service-name right?",
          options.mapper_service_name, options.mapper_namespace);
    case kUnavailable:
      return fmt::format(
          "no pod answers behind service {} in namespace {}; is the mapper running and ready "
          "(kubectl get pods -n {}), and is --mapper-service-port {} right?",
          options.mapper_service_name, options.mapper_namespace, options.mapper_namespace,
          options.mapper_service_port);
    default:
      return std::nullopt;
  }
}

constexpr std::string_view kQueryPath = "/query";
constexpr std::string_view kUrlForm = "--mapper-url has the form http://HOST:9090";

StatusOr<kube::ClusterAccess> Access(const CliOptions& options,
                                     const kube::Environment& environment) {
  if (!options.mapper_url.empty()) {
    std::string_view url = options.mapper_url;
    if (url.ends_with(kQueryPath)) {
      url.remove_suffix(kQueryPath.size());
    }
    StatusOr<kube::ClusterAccess> access = kube::ServerUrlAccess(url);
    return access.ok() ? access : Annotate(access.status(), kUrlForm);
  }
  StatusOr<kube::ClusterAccess> access = kube::FindClusterAccess(
      environment,
      {.server_url = "", .kubeconfig = options.kubeconfig, .context = options.context});
  if (!access.ok()) {
    return Annotate(access.status(),
                    "the mapper is reached through a cluster's API server (--kubeconfig, "
                    "--context, or the variable KUBECONFIG), or directly with --mapper-url "
                    "http://HOST:9090");
  }
  return access;
}

std::string DirectAdvice(const std::string& url, std::optional<int> code) {
  if (code == kNotFound) {
    return fmt::format("no mapper is at {} ({})", url, kUrlForm);
  }
  return "the mapper at " + url;
}

}  // namespace

StatusOr<QueryTransport> ConnectToMapper(const CliOptions& options,
                                         const kube::Environment& environment) {
  ASSIGN_OR_RETURN(kube::ClusterAccess access, Access(options, environment));
  bool direct = !options.mapper_url.empty();
  StatusOr<std::unique_ptr<kube::Client>> created = kube::Client::Create(std::move(access));
  if (!created.ok()) {
    return direct ? Annotate(created.status(), kUrlForm) : created.status();
  }
  std::shared_ptr<kube::Client> client = *std::move(created);
  std::string path(kQueryPath);
  if (!direct) {
    std::string port = std::to_string(options.mapper_service_port);
    path = kube::ServiceProxyPath({.name_space = options.mapper_namespace,
                                   .name = options.mapper_service_name,
                                   .port = port,
                                   .path = path});
  }
  return QueryTransport([client, path, direct,
                         options](const std::string& body) -> StatusOr<HttpReply> {
    kube::RequestOptions request;
    request.timeout = kTimeout;
    StatusOr<kube::Response> response = client->Post(path, body, "application/json", request);
    if (response.ok()) {
      return HttpReply{.status = kOk, .body = std::move(response->body)};
    }
    std::optional<int> code = kube::HttpCode(response.status());
    if (code == kUnprocessable) {
      return HttpReply{.status = kUnprocessable, .body = ""};
    }
    const std::optional<std::string> context = direct
                                                   ? DirectAdvice(options.mapper_url, code)
                                                   : ProxyAdvice(options, client->Server(), code);
    const Status status = context ? Annotate(response.status(), *context) : response.status();
    if (!code) {
      return status;
    }
    return MakeStatus(status.code(),
                      fmt::format("{} (HTTP error status code: {})", StatusMessage(status), *code));
  });
}

}  // namespace network_mapper::cli
