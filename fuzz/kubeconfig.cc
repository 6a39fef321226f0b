// A kubeconfig and a plugin's answer from hostile hands.
#include <cstddef>
#include <cstdint>
#include <string>

#include "common/kube/cluster_access.h"
#include "common/kube/exec_plugin.h"
#include "common/kube/server_url.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace kube = network_mapper::kube;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto access = kube::ParseKubeconfig({{"/config", text}, {"/config", text}}, "");
  if (access.ok()) {
    (void)kube::ParseServerUrl(access->server);
  }
  (void)kube::ParseExecCredential(text, "client.authentication.k8s.io/v1");
  return 0;
}
