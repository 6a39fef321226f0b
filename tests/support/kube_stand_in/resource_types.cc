#include "tests/support/kube_stand_in/resource_types.h"

#include <cctype>

namespace network_mapper::stand_in {

namespace {

// English plurals as the API's own: "rollouts", "policies", "ingresses".
std::string PluralOf(std::string_view kind) {
  std::string plural;
  for (const char letter : kind) {
    plural += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  }
  if (plural.ends_with('y')) {
    plural.pop_back();
    return plural + "ies";
  }
  return plural + (plural.ends_with('s') ? "es" : "s");
}

}  // namespace

std::string ResourceType::ApiVersion() const {
  return group.empty() ? version : group + "/" + version;
}

ResourceCatalog::ResourceCatalog()
    : types_{
          {"", "v1", "namespaces", "Namespace", false, true},
          {"", "v1", "nodes", "Node", false, true},
          {"", "v1", "pods", "Pod", true, true},
          {"", "v1", "services", "Service", true, true},
          {"", "v1", "endpoints", "Endpoints", true, true},
          {"", "v1", "configmaps", "ConfigMap", true, true},
          {"", "v1", "secrets", "Secret", true, true},
          {"", "v1", "serviceaccounts", "ServiceAccount", true, true},
          {"", "v1", "replicationcontrollers", "ReplicationController", true, true},
          {"apps", "v1", "deployments", "Deployment", true, true},
          {"apps", "v1", "replicasets", "ReplicaSet", true, true},
          {"apps", "v1", "statefulsets", "StatefulSet", true, true},
          {"apps", "v1", "daemonsets", "DaemonSet", true, true},
          {"batch", "v1", "jobs", "Job", true, true},
          {"batch", "v1", "cronjobs", "CronJob", true, true},
          {"discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", true, true},
          {"coordination.k8s.io", "v1", "leases", "Lease", true, true},
          {"networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", true, true},
          {"networking.k8s.io", "v1", "ingresses", "Ingress", true, true},
          {"admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations",
           "MutatingWebhookConfiguration", false, true},
      } {}

std::optional<size_t> ResourceCatalog::ByPath(std::string_view group, std::string_view version,
                                              std::string_view plural) const {
  for (size_t i = 0; i < types_.size(); ++i) {
    if (types_[i].group == group && types_[i].version == version && types_[i].plural == plural) {
      return i;
    }
  }
  return std::nullopt;
}

std::optional<size_t> ResourceCatalog::ByKind(std::string_view api_version,
                                              std::string_view kind) const {
  for (size_t i = 0; i < types_.size(); ++i) {
    if (types_[i].kind == kind && types_[i].ApiVersion() == api_version) {
      return i;
    }
  }
  return std::nullopt;
}

size_t ResourceCatalog::Learn(std::string_view api_version, std::string_view kind,
                              bool namespaced) {
  if (const auto known = ByKind(api_version, kind)) {
    return *known;
  }
  const size_t slash = api_version.find('/');
  ResourceType type;
  if (slash != std::string_view::npos) {
    type.group = api_version.substr(0, slash);
    type.version = api_version.substr(slash + 1);
  } else {
    type.version = api_version;
  }
  type.kind = kind;
  type.plural = PluralOf(kind);
  type.namespaced = namespaced;
  type.built_in = false;
  types_.push_back(std::move(type));
  return types_.size() - 1;
}

}  // namespace network_mapper::stand_in
