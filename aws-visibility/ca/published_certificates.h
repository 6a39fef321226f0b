// The ConfigMap that tells the cluster which certificates are ours: written by the proxy, read by
// the webhook. Key ca.crt, PEM. It exists, maybe empty.
#pragma once

#include <string>

#include "common/kube/client.h"
#include "common/status/status.h"

namespace network_mapper::aws {

// Sees to it that the ConfigMap of the client's namespace holds `certificates` and writes only when
// it does not. RBAC: get and update of that one.
Status PublishToConfigMap(kube::Client& client, const std::string& name,
                          const std::string& certificates);

}  // namespace network_mapper::aws
