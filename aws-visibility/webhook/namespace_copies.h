// The ConfigMap that patched pods mount, one in each namespace that has such pods: made when the
// first pod is admitted, kept current when the authority changes, and taken away when no such pod
// is left.
//
// Taking away has two steps, since another replica may be admitting a pod: a copy that nobody needs
// is marked, and goes when it has been marked for a while and nobody has touched it; whoever admits
// a pod takes the mark off.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>

#include "aws-visibility/ca/trust_bundle.h"
#include "common/concurrency/guarded.h"
#include "common/kube/client.h"
#include "common/kube/data_object.h"
#include "common/status/status.h"
#include "common/time/clock.h"

namespace network_mapper::aws {

// RBAC: in the own namespace, get of the ConfigMap; in the cluster, list of pods, create of
// configmaps, and by resourceName get, list, update and delete of configmaps.
class NamespaceCopies {
 public:
  static constexpr std::chrono::seconds kTidyInterval{30};
  static constexpr std::chrono::minutes kUnusedFor{10};
  // Of Ensure, at once and in a minute: whoever reaches the webhook can name any namespace.
  static constexpr int kMostNewCopies = 60;

  // `public_roots`: PEM. Thread-safe.
  NamespaceCopies(std::string config_map, std::string public_roots,
                  std::shared_ptr<kube::Client> client, const Clock& clock = Clock::System());

  // Reads what the proxy has published.
  Status RefreshBundle(const std::stop_token& stop = {});
  // Puts all copies right.
  Status Tidy(const std::stop_token& stop = {});
  // Both, until stop is requested; logs what fails.
  void Run(const std::stop_token& stop);

  // OK when there is a bundle to copy.
  Status Ready() const;
  // Sees to it that the namespace has a current copy, within `limit`. ResourceExhausted: it has
  // none, and too many were made just now.
  Status Ensure(const std::string& name_space, std::chrono::milliseconds limit);

 private:
  struct State {
    Status refreshed = Unavailable("the certificates were not read yet");
    std::shared_ptr<const TrustBundle> bundle;
    // Tells whether a copy is current.
    std::string digest;
    // Copies that were seen to be right, and when.
    std::map<std::string, SteadyTime> confirmed;
    // When the new copies that were allowed so far would have been made at an even pace.
    SteadyTime new_copies_until;
  };

  struct Bundle {
    std::shared_ptr<const TrustBundle> files;
    std::string digest;
  };

  StatusOr<Bundle> Current() const;
  kube::DataName NameIn(const std::string& name_space) const;
  kube::DataObject Filled(kube::DataObject object, const Bundle& bundle) const;
  // Whether one more may be made for somebody who asks.
  Status AllowNewCopy();
  // One step; Aborted: somebody else was faster. `asked`: nothing but a question says that the
  // namespace needs a copy.
  Status PutRight(const std::string& name_space, const Bundle& bundle, bool asked,
                  const kube::RequestOptions& options);
  Status DropUnused(const std::string& name_space, const kube::DataObject& copy,
                    const kube::RequestOptions& options);
  StatusOr<std::set<std::string>> NamespacesOfPods(const kube::RequestOptions& options);
  StatusOr<std::map<std::string, kube::DataObject>> Copies(const kube::RequestOptions& options);

  const std::string config_map_;
  const std::string public_roots_;
  const std::shared_ptr<kube::Client> client_;
  const Clock& clock_;
  Guarded<State> state_;
};

}  // namespace network_mapper::aws
