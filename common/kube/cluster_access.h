// Where the Kubernetes API server is and how to authenticate to it: from the files of a pod's
// service account, from kubeconfig files, or a bare URL. Used by every program that talks to the
// API. Nothing here opens a connection; files that rotate are named, not read.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/status/status.h"

namespace network_mapper::kube {

// PEM text, or the file that holds it; the text wins. Both empty: absent.
struct PemSource {
  std::string pem;
  std::string path;

  bool Empty() const { return pem.empty() && path.empty(); }
};

// Headers Impersonate-*; `user` is required when any of the others is set.
struct Impersonation {
  std::string user;
  std::string uid;
  std::vector<std::string> groups;
  std::map<std::string, std::vector<std::string>> extra;
};

// A credential plugin (client.authentication.k8s.io): a program that prints an ExecCredential.
struct ExecPlugin {
  std::string command;
  std::vector<std::string> arguments;
  // Added to the environment of this process.
  std::vector<std::pair<std::string, std::string>> environment;
  // "client.authentication.k8s.io/v1" or ".../v1beta1".
  std::string api_version;
  bool provide_cluster_info = false;
  // Shown when the command is not found.
  std::string install_hint;
};

struct ClusterAccess {
  // "https://host[:port][/prefix]" or "http://...", IPv6 hosts in brackets.
  std::string server;
  // Name to verify and to send as SNI instead of the host of `server`.
  std::string tls_server_name;
  bool insecure_skip_tls_verify = false;
  // Empty: the system's trust store.
  PemSource certificate_authority;
  PemSource client_certificate;
  PemSource client_key;
  // `token_file` wins; it is read again at least every minute and after a 401.
  std::string token;
  std::string token_file;
  std::string username;
  std::string password;
  std::optional<Impersonation> impersonation;
  std::optional<ExecPlugin> exec;
  // The context's or the pod's own namespace; "default" when none is named.
  std::string name_space = "default";
};

// Value of an environment variable; absent when unset. Tests pass a map's look-up.
using Environment = std::function<std::optional<std::string>(std::string_view)>;
// Reads the variables of this process.
Environment ProcessEnvironment();

// `server` without authentication: tests, demos, `kubectl proxy`.
StatusOr<ClusterAccess> ServerUrlAccess(std::string_view server);

// From the service account of the pod this runs in. FailedPrecondition outside a pod.
StatusOr<ClusterAccess> InClusterAccess(
    const Environment& environment,
    const std::filesystem::path& service_account = "/var/run/secrets/kubernetes.io/serviceaccount");

struct KubeconfigFile {
  // Relative paths in the file are relative to this file's folder.
  std::filesystem::path path;
  std::string content;
};

// Merges files in order (the first that names a cluster, user, context or current-context wins) and
// picks a context: `context`, or current-context when empty. Pure; errors name the file and key.
StatusOr<ClusterAccess> ParseKubeconfig(const std::vector<KubeconfigFile>& files,
                                        std::string_view context);

// Reads `explicit_path`, else the files of KUBECONFIG (missing ones are skipped), else
// ~/.kube/config. NotFound when there is none.
StatusOr<ClusterAccess> KubeconfigAccess(const Environment& environment,
                                         std::string_view explicit_path = {},
                                         std::string_view context = {});

struct AccessOptions {
  std::string server_url{};
  std::string kubeconfig{};
  std::string context{};
};

// The first that applies: server_url, kubeconfig or context, KUBECONFIG, the pod's service account,
// ~/.kube/config.
StatusOr<ClusterAccess> FindClusterAccess(const Environment& environment,
                                          const AccessOptions& options = {});

}  // namespace network_mapper::kube
