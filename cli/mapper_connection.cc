#include "cli/mapper_connection.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "cli/forwarded_query.h"
#include "cli/reset_token.h"
#include "common/kube/api_error.h"
#include "common/kube/client.h"
#include "common/kube/cluster_access.h"
#include "common/kube/paths.h"

namespace network_mapper::cli {

namespace {

constexpr std::chrono::milliseconds kTimeout{10'000};
constexpr int kOk = 200;
constexpr int kUnauthorized = 401;
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

// Neither way is allowed: what would be enough.
Status MissingRights(const CliOptions& options, const Status& proxy, const Status& forward) {
  return MakeStatus(
      StatusCode::kPermissionDenied,
      fmt::format("you lack the rights for both ways to the mapper in namespace {0}: the service "
                  "proxy takes the right to create services/proxy; a forwarded port takes the "
                  "rights to list pods and to get and create pods/portforward. One way is enough: "
                  "kubectl -n {0} create role map-reader --verb=create --resource=services/proxy, "
                  "then kubectl -n {0} create rolebinding map-reader --role=map-reader "
                  "--user=YOU. Or forward the port yourself and use --mapper-url. The API server "
                  "says: {1}; {2} (HTTP error status code: {3})",
                  options.mapper_namespace, StatusMessage(proxy), StatusMessage(forward),
                  kForbidden));
}

// The mapper's own words, of an answer that is no API server's.
std::optional<HttpReply> MapperReply(const Status& status) {
  const std::optional<int> code = kube::HttpCode(status);
  const std::optional<std::string> body = kube::ForeignBody(status);
  if (!code || !body) {
    return std::nullopt;
  }
  const nlohmann::json reply = nlohmann::json::parse(*body, nullptr, false);
  if (!reply.is_object() || !reply.contains("errors")) {
    return std::nullopt;
  }
  return HttpReply{.status = *code, .body = *body};
}

// The limits of a request that shows `token`, where there is one.
kube::RequestOptions RequestWith(const std::string& token) {
  kube::RequestOptions request;
  request.timeout = kTimeout;
  if (!token.empty()) {
    request.headers.emplace_back(kTokenHeader, token);
  }
  return request;
}

// The reply of a request to the mapper itself or through the service proxy.
StatusOr<HttpReply> ToReply(const CliOptions& options, const kube::Client& client,
                            StatusOr<kube::Response> response) {
  if (response.ok()) {
    return HttpReply{.status = kOk, .body = std::move(response->body)};
  }
  const std::optional<int> code = kube::HttpCode(response.status());
  if (code == kUnprocessable) {
    return HttpReply{.status = kUnprocessable, .body = ""};
  }
  if (std::optional<HttpReply> reply = MapperReply(response.status())) {
    return *std::move(reply);
  }
  const std::optional<std::string> context = options.mapper_url.empty()
                                                 ? ProxyAdvice(options, client.Server(), code)
                                                 : DirectAdvice(options.mapper_url, code);
  const Status status = context ? Annotate(response.status(), *context) : response.status();
  if (!code) {
    return status;
  }
  return MakeStatus(status.code(),
                    fmt::format("{} (HTTP error status code: {})", StatusMessage(status), *code));
}

// Through the API server: by the service's proxy, or, once that was forbidden, by a forwarded port.
class ApiServerRoute {
 public:
  ApiServerRoute(std::shared_ptr<kube::Client> client, const CliOptions& options)
      : client_(std::move(client)),
        options_(options),
        proxy_path_(kube::ServiceProxyPath({.name_space = options.mapper_namespace,
                                            .name = options.mapper_service_name,
                                            .port = std::to_string(options.mapper_service_port),
                                            .path = kQueryPath})) {}

  StatusOr<HttpReply> Post(const std::string& body, const std::string& token) {
    if (proxy_refusal_.ok()) {
      StatusOr<kube::Response> response =
          client_->Post(proxy_path_, body, "application/json", RequestWith(token));
      if (kube::HttpCode(response.status()) != kForbidden || MapperReply(response.status())) {
        return ToReply(options_, *client_, std::move(response));
      }
      proxy_refusal_ = response.status();
    }
    StatusOr<HttpReply> reply = PostThroughPod(*client_, options_, body, token, kTimeout);
    if (kube::HttpCode(reply.status()) == kForbidden) {
      return MissingRights(options_, proxy_refusal_, reply.status());
    }
    if (!reply.ok()) {
      return Annotate(reply.status(),
                      fmt::format("you lack the right to create services/proxy in namespace {}, "
                                  "and forwarding a port of the mapper's pod fails",
                                  options_.mapper_namespace));
    }
    return reply;
  }

 private:
  std::shared_ptr<kube::Client> client_;
  const CliOptions options_;
  const std::string proxy_path_;
  Status proxy_refusal_;
};

}  // namespace

StatusOr<QueryTransport> ConnectToMapper(const CliOptions& options,
                                         const kube::Environment& environment) {
  ASSIGN_OR_RETURN(kube::ClusterAccess access, Access(options, environment));
  const bool direct = !options.mapper_url.empty();
  StatusOr<std::unique_ptr<kube::Client>> created = kube::Client::Create(std::move(access));
  if (!created.ok()) {
    return direct ? Annotate(created.status(), kUrlForm) : created.status();
  }
  std::shared_ptr<kube::Client> client = *std::move(created);
  using Post = std::function<StatusOr<HttpReply>(const std::string&, const std::string&)>;
  Post post = [client, options](const std::string& body, const std::string& token) {
    return ToReply(options, *client,
                   client->Post(kQueryPath, body, "application/json", RequestWith(token)));
  };
  if (!direct) {
    post = [route = std::make_shared<ApiServerRoute>(client, options)](const std::string& body,
                                                                       const std::string& token) {
      return route->Post(body, token);
    };
  }
  return QueryTransport([client, options, post](const std::string& body) -> StatusOr<HttpReply> {
    ASSIGN_OR_RETURN(const ResetToken token, FindResetToken(*client, options));
    StatusOr<HttpReply> reply = post(body, token.text);
    if (reply.ok() && reply->status == kUnauthorized && !token.problem.ok()) {
      return Annotate(token.problem, "the mapper wants a token for this");
    }
    return reply;
  });
}

}  // namespace network_mapper::cli
