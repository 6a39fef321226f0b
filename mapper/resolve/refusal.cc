#include "mapper/resolve/refusal.h"

namespace network_mapper {

std::string_view RefusalName(Refusal refusal) {
  switch (refusal) {
    case Refusal::kCollectorDisabled:
      return "collector_disabled";
    case Refusal::kMalformed:
      return "malformed";
    case Refusal::kMissingClient:
      return "missing_client";
    case Refusal::kUnknownClient:
      return "unknown_client";
    case Refusal::kAmbiguousClient:
      return "ambiguous_client";
    case Refusal::kHostNetworkClient:
      return "host_network_client";
    case Refusal::kHostnameMismatch:
      return "hostname_mismatch";
    case Refusal::kForeignNode:
      return "foreign_node";
    case Refusal::kClientOwnerPending:
      return "client_owner_pending";
    case Refusal::kExternalName:
      return "external_name";
    case Refusal::kUnsupportedName:
      return "unsupported_name";
    case Refusal::kUnknownService:
      return "unknown_service";
    case Refusal::kNoBackends:
      return "no_backends";
    case Refusal::kExternalAddress:
      return "external_address";
    case Refusal::kLocalAddress:
      return "local_address";
    case Refusal::kUnknownServer:
      return "unknown_server";
    case Refusal::kAmbiguousServer:
      return "ambiguous_server";
    case Refusal::kHostNetworkServer:
      return "host_network_server";
    case Refusal::kServerOwnerPending:
      return "server_owner_pending";
    case Refusal::kExcludedNamespace:
      return "excluded_namespace";
  }
  return "";
}

bool MayHideAnEdge(Refusal refusal) {
  switch (refusal) {
    case Refusal::kCollectorDisabled:
    case Refusal::kExternalName:
    case Refusal::kUnsupportedName:
    case Refusal::kExternalAddress:
    case Refusal::kLocalAddress:
    case Refusal::kExcludedNamespace:
      return false;
    default:
      return true;
  }
}

}  // namespace network_mapper
