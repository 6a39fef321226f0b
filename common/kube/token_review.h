// TokenReview (authentication.k8s.io/v1): asks the API server whose bearer token this is. RBAC:
// tokenreviews, create.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>

#include "common/kube/client.h"
#include "common/status/status.h"

namespace network_mapper::kube {

struct TokenReview {
  // Whether the API server knows the token and it was issued for the audience.
  bool authenticated = false;
  // Why not; empty when the server gives no reason.
  std::string error;
  // "system:serviceaccount:<namespace>:<name>" for a ServiceAccount.
  std::string user;
  // The node of the pod that the token was issued to. Empty when the server does not tell: before
  // Kubernetes 1.30, or the token belongs to no pod.
  std::string node_name;
};

// Pure. An error when `json` is no TokenReview with a status.
StatusOr<TokenReview> ParseTokenReview(std::string_view json, std::string_view audience);

// An error when the API server gives no verdict. Blocks for one request.
StatusOr<TokenReview> ReviewToken(Client& client, std::string_view token, std::string_view audience,
                                  const std::stop_token& stop);

}  // namespace network_mapper::kube
