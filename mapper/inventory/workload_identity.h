// Workload identity: name + namespace + owner kind that one end of an observation resolves to; what
// people see.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace network_mapper {

// As in the Kubernetes API; `group` is empty for the core group.
struct GroupVersionKind {
  std::string group;
  std::string version;
  std::string kind;

  friend bool operator==(const GroupVersionKind&, const GroupVersionKind&) = default;
};

// Sorted by key.
using Labels = std::vector<std::pair<std::string, std::string>>;

struct WorkloadIdentity {
  std::string name;
  // The Kubernetes namespace.
  std::string name_space;
  // Absent when the name comes from an override or an image name, and for the API server.
  std::optional<GroupVersionKind> owner_kind;
  bool named_by_override = false;

  friend bool operator==(const WorkloadIdentity&, const WorkloadIdentity&) = default;
};

// Identities and label sets are immutable and shared: ten thousand pods of one Deployment hold one
// identity.
struct Workload {
  std::shared_ptr<const WorkloadIdentity> identity;
  // Never null for a pod; null for the API server.
  std::shared_ptr<const Labels> labels;
};

}  // namespace network_mapper
