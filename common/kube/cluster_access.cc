#include "common/kube/cluster_access.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace network_mapper::kube {

namespace {

std::optional<std::string> ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return std::nullopt;
  }
  std::ostringstream content;
  content << file.rdbuf();
  if (file.bad()) {
    return std::nullopt;
  }
  return content.str();
}

std::string NonEmpty(const Environment& environment, std::string_view name) {
  return environment(name).value_or(std::string());
}

}  // namespace

Environment ProcessEnvironment() {
  return [](std::string_view name) -> std::optional<std::string> {
    for (char** entry = environ; *entry != nullptr; ++entry) {
      const std::string_view variable(*entry);
      const size_t equals = variable.find('=');
      if (equals != std::string_view::npos && variable.substr(0, equals) == name) {
        return std::string(variable.substr(equals + 1));
      }
    }
    return std::nullopt;
  };
}

StatusOr<ClusterAccess> ServerUrlAccess(std::string_view server) {
  if (!server.starts_with("http://") && !server.starts_with("https://")) {
    return InvalidArgument("server '{}' must start with http:// or https://", server);
  }
  ClusterAccess access;
  access.server = server;
  return access;
}

StatusOr<ClusterAccess> InClusterAccess(const Environment& environment,
                                        const std::filesystem::path& service_account) {
  const std::string host = NonEmpty(environment, "KUBERNETES_SERVICE_HOST");
  const std::string port = NonEmpty(environment, "KUBERNETES_SERVICE_PORT");
  if (host.empty() || port.empty()) {
    return FailedPrecondition(
        "not in a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set");
  }
  ClusterAccess access;
  const bool is_v6 = host.find(':') != std::string::npos && host.front() != '[';
  access.server =
      is_v6 ? fmt::format("https://[{}]:{}", host, port) : fmt::format("https://{}:{}", host, port);
  access.token_file = (service_account / "token").string();
  access.certificate_authority.path = (service_account / "ca.crt").string();
  for (const std::string& path : {access.token_file, access.certificate_authority.path}) {
    if (!ReadFile(path).has_value()) {
      return FailedPrecondition("cannot read '{}' of the service account", path);
    }
  }
  const std::string name_space = ReadFile(service_account / "namespace").value_or("");
  if (!name_space.empty()) {
    access.name_space = name_space.substr(0, name_space.find_last_not_of(" \r\n") + 1);
  }
  return access;
}

StatusOr<ClusterAccess> KubeconfigAccess(const Environment& environment,
                                         std::string_view explicit_path, std::string_view context) {
  std::vector<KubeconfigFile> files;
  if (!explicit_path.empty()) {
    const std::filesystem::path path(explicit_path);
    std::optional<std::string> content = ReadFile(path);
    if (!content.has_value()) {
      return NotFound("cannot read the kubeconfig '{}'", explicit_path);
    }
    files.push_back({path, *std::move(content)});
    return ParseKubeconfig(files, context);
  }
  std::string list = NonEmpty(environment, "KUBECONFIG");
  if (list.empty()) {
    list = NonEmpty(environment, "HOME") + "/.kube/config";
  }
  size_t start = 0;
  while (start <= list.size()) {
    const size_t end = std::min(list.find(':', start), list.size());
    const std::filesystem::path path(list.substr(start, end - start));
    std::optional<std::string> content = path.empty() ? std::nullopt : ReadFile(path);
    if (content.has_value()) {
      files.push_back({path, *std::move(content)});
    }
    start = end + 1;
  }
  if (files.empty()) {
    return NotFound("no kubeconfig: none of '{}' can be read", list);
  }
  return ParseKubeconfig(files, context);
}

StatusOr<ClusterAccess> FindClusterAccess(const Environment& environment,
                                          const AccessOptions& options) {
  if (!options.server_url.empty()) {
    return ServerUrlAccess(options.server_url);
  }
  const bool chosen = !options.kubeconfig.empty() || !options.context.empty() ||
                      !NonEmpty(environment, "KUBECONFIG").empty();
  if (chosen) {
    return KubeconfigAccess(environment, options.kubeconfig, options.context);
  }
  StatusOr<ClusterAccess> in_cluster = InClusterAccess(environment);
  const bool in_pod = !NonEmpty(environment, "KUBERNETES_SERVICE_HOST").empty();
  if (in_cluster.ok() || in_pod) {
    return in_cluster;
  }
  StatusOr<ClusterAccess> from_home = KubeconfigAccess(environment);
  if (!from_home.ok() && from_home.status().code() == StatusCode::kNotFound) {
    return NotFound("no Kubernetes API server: {}; {}", StatusMessage(in_cluster.status()),
                    StatusMessage(from_home.status()));
  }
  return from_home;
}

}  // namespace network_mapper::kube
