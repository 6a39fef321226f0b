// Credential plugins of kubeconfig: runs the program and reads the ExecCredential that it prints
// (client.authentication.k8s.io v1 and v1beta1). Used by CredentialSource, which caches.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "common/kube/cluster_access.h"
#include "common/status/status.h"
#include "common/time/clock.h"

namespace network_mapper::kube {

struct ExecCredential {
  std::string token;
  // PEM text; both or neither.
  std::string client_certificate;
  std::string client_key;
  std::optional<Time> expires;
};

// Pure.
StatusOr<ExecCredential> ParseExecCredential(std::string_view json, std::string_view api_version);

// What KUBERNETES_EXEC_INFO holds. `certificate_authority` is PEM text.
std::string ExecInfoJson(const ClusterAccess& access, std::string_view certificate_authority);

// Runs the plugin of `access` to its end or for `time_limit`; its standard error is ours.
StatusOr<ExecCredential> RunExecPlugin(const ClusterAccess& access,
                                       std::string_view certificate_authority,
                                       std::chrono::milliseconds time_limit);

}  // namespace network_mapper::kube
