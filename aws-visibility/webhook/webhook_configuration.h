// The MutatingWebhookConfiguration by which the API server knows us. It has to trust our
// certificate, whatever Helm or another replica makes of it.
#pragma once

#include <string>

#include "common/kube/client.h"
#include "common/status/status.h"

namespace network_mapper::aws {

// Sees to it that each webhook in the configuration `name` has `certificates` (PEM) as caBundle;
// writes only when it has not. RBAC: get and update of that one.
Status PublishToWebhookConfiguration(kube::Client& client, const std::string& name,
                                     const std::string& certificates);

}  // namespace network_mapper::aws
