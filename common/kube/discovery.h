// Discovery: from the apiVersion and kind of an owner reference to the object's metadata, for kinds
// that are not known at build time (Argo Rollouts, operators' resources). Used by the owner walk.
#pragma once

#include <chrono>
#include <map>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "common/concurrency/guarded.h"
#include "common/kube/client.h"
#include "common/status/status.h"
#include "common/time/clock.h"

namespace network_mapper::kube {

struct OwnerReference {
  std::string api_version;
  std::string kind;
  std::string name;
  std::string uid;
  bool controller = false;
};

struct ObjectMetadata {
  std::string name;
  std::string name_space;
  std::string uid;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  std::vector<OwnerReference> owners;
};

// From a PartialObjectMetadata or any other API object. Pure.
StatusOr<ObjectMetadata> ParseObjectMetadata(std::string_view json);

struct ResourceKind {
  std::string plural;
  bool namespaced = true;
};

// From an APIResourceList: kind -> resource, without subresources and without what cannot be read
// one by one. Pure.
StatusOr<std::map<std::string, ResourceKind>> ParseResourceList(std::string_view json);

struct ObjectReference {
  // "v1" or "group/version".
  std::string_view api_version;
  std::string_view kind;
  // Ignored for cluster-scoped kinds.
  std::string_view name_space;
  std::string_view name;
};

// Thread-safe; each call may make up to two requests and blocks meanwhile; a request for `stop`
// ends it at once with Cancelled.
class Discovery {
 public:
  // Both must outlive this.
  explicit Discovery(Client& client, const Clock& clock = Clock::System())
      : client_(client), clock_(clock) {}

  // NotFound when the server does not serve the kind; the answer is kept, and a kind that is
  // missing is looked for again at most every 30 seconds per apiVersion.
  StatusOr<ResourceKind> FindKind(std::string_view api_version, std::string_view kind,
                                  const std::stop_token& stop = {});
  // PermissionDenied and NotFound are the caller's cue to stop the walk.
  StatusOr<ObjectMetadata> GetObjectMetadata(const ObjectReference& reference,
                                             const std::stop_token& stop = {});

 private:
  struct Version {
    std::map<std::string, ResourceKind> kinds;
    // Why the last request failed; OK when it did not.
    Status failure;
    SteadyTime asked;
  };

  StatusOr<ResourceKind> Refresh(const std::string& api_version, const std::string& kind,
                                 const std::stop_token& stop);

  Client& client_;
  const Clock& clock_;
  Guarded<std::map<std::string, Version>> versions_;
};

}  // namespace network_mapper::kube
