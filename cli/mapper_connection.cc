#include "cli/mapper_connection.h"

#include <memory>
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
constexpr int kUnprocessable = 422;

// What the user can do about a failure on the way through the API server.
Status ExplainProxyFailure(const Status& status, const CliOptions& options) {
  switch (status.code()) {
    case StatusCode::kPermissionDenied:
      return Annotate(
          status,
          fmt::format("the API server does not let you reach the mapper (needed: create on "
                      "services/proxy in namespace {}; or forward the port yourself and use "
                      "--mapper-url)",
                      options.mapper_namespace));
    case StatusCode::kNotFound:
      return Annotate(
          status,
          fmt::format("service {} is not in namespace {}; is the network mapper installed, and "
                      "are --mapper-namespace and --mapper-service-name right?",
                      options.mapper_service_name, options.mapper_namespace));
    default:
      return status;
  }
}

StatusOr<kube::ClusterAccess> Access(const CliOptions& options) {
  if (!options.mapper_url.empty()) {
    return kube::ServerUrlAccess(options.mapper_url);
  }
  return kube::FindClusterAccess(
      kube::ProcessEnvironment(),
      {.server_url = "", .kubeconfig = options.kubeconfig, .context = options.context});
}

}  // namespace

StatusOr<QueryTransport> ConnectToMapper(const CliOptions& options) {
  ASSIGN_OR_RETURN(kube::ClusterAccess access, Access(options));
  ASSIGN_OR_RETURN(std::unique_ptr<kube::Client> created, kube::Client::Create(std::move(access)));
  std::shared_ptr<kube::Client> client = std::move(created);
  bool direct = !options.mapper_url.empty();
  bool has_path = options.mapper_url.ends_with("/query");
  std::string path = has_path ? "" : "/query";
  if (!direct) {
    std::string port = std::to_string(options.mapper_service_port);
    path = kube::ServiceProxyPath({.name_space = options.mapper_namespace,
                                   .name = options.mapper_service_name,
                                   .port = port,
                                   .path = "/query"});
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
    Status status = direct ? Annotate(response.status(), "the mapper at " + options.mapper_url)
                           : ExplainProxyFailure(response.status(), options);
    if (!code) {
      return status;
    }
    return MakeStatus(status.code(),
                      fmt::format("{} (HTTP error status code: {})", StatusMessage(status), *code));
  });
}

}  // namespace network_mapper::cli
