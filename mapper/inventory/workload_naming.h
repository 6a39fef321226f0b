// The rules that turn a pod and its owner into a workload's name. Pure functions; the walk from
// owner to owner is in OwnerTable. docs/parity.md says where they differ from the original suite.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/time/clock.h"
#include "mapper/inventory/records.h"
#include "mapper/inventory/workload_identity.h"

namespace network_mapper {

// `api_version` as objects and owner references have it: "v1" (core group) or "group/version".
GroupVersionKind ParseGroupVersionKind(std::string_view api_version, std::string_view kind);

// Dots become "_": clients of the GraphQL API join name and namespace with a dot.
std::string NameOnTheWire(std::string_view owner_name);

// A static pod is called <manifest name>-<node name>; the workload is the manifest name.
std::string StaticPodName(std::string_view pod_name, std::string_view node_name);

// The images of the containers without sidecars, each without registry and tag, joined by "-": what
// a Job that no CronJob owns is called when Jobs are named after images.
std::string NameOfImages(const std::vector<ContainerImage>& images);

// For an owner that could not be read: what it is most likely owned by. A ReplicaSet whose name
// ends in the pod's label pod-template-hash belongs to a Deployment (rollouts-pod-template-hash: an
// Argo Rollout); a Job whose name ends in the minute in which it was made, to a CronJob.
std::optional<OwnerReference> LikelyOwner(const OwnerReference& unreadable,
                                          const Labels& pod_labels, Time pod_created);

// The value of a label, or null.
const std::string* FindLabel(const Labels& labels, std::string_view key);

}  // namespace network_mapper
