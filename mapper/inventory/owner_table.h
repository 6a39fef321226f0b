// Who owns whom: the controllers above pods, as far as they are known, and which of them are
// wanted but unknown. Not thread-safe; reads no clock.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/time/clock.h"
#include "mapper/inventory/interner.h"
#include "mapper/inventory/inventory_options.h"
#include "mapper/inventory/pod_entry.h"
#include "mapper/inventory/records.h"

namespace network_mapper {

// An owner that is to be fetched, because no watch delivered it.
struct OwnerRequest {
  OwnerReference reference;
  // Of the pod; an owner is in the same namespace or cluster-scoped.
  std::string name_space;
};

class OwnerTable {
 public:
  enum class State : uint8_t {
    kKnown,       // nothing owns it
    kMissing,     // it was not seen yet; an owner may be above it
    kUnreadable,  // forbidden, not found, or of a kind that the cluster does not serve
  };

  struct Top {
    OwnerReferencePtr owner;
    State state = State::kKnown;
  };

  enum class Change : uint8_t { kNone, kNew, kChanged };

  explicit OwnerTable(const InventoryOptions& options) : options_(options) {}

  OwnerReferencePtr Intern(OwnerReference reference) {
    return references_.Intern(std::move(reference));
  }

  // The walk upwards from `first`, which is included.
  Top Resolve(const OwnerReferencePtr& first) const;

  // `kind` is absent for an owner that was fetched on demand.
  Change Upsert(const OwnerRecord& record, std::optional<ObjectKind> kind, Time now);
  Change MarkUnreadable(const ObjectUid& uid, Time now);
  // A deleted owner is remembered as long as its pods are.
  void Delete(const ObjectUid& uid, Time now);

  void BeginReplace(ObjectKind kind) { ++Generation(kind); }

  void EndReplace(ObjectKind kind, Time now);
  void Expire(Time now);

  // Notes that `pod` waits for this owner. Beyond max_wanted_owners it is not noted.
  void Want(const OwnerReference& owner, const PodFacts& pod, Time now);
  // The pods that waited for this owner, which is wanted no longer.
  std::vector<ObjectUid> TakeWaiting(const ObjectUid& owner);
  // At most `limit` owners to fetch now; each is handed out again, ever more rarely, until it is
  // upserted or marked unreadable. `is_alive` says which pods still wait. Kinds that are watched
  // get a few seconds to arrive by themselves.
  std::vector<OwnerRequest> TakeWanted(Time now, size_t limit,
                                       const std::function<bool(const ObjectUid&)>& is_alive);

  size_t Size() const { return nodes_.size(); }

  size_t WantedCount() const { return wanted_.size(); }

 private:
  struct Node {
    OwnerReferencePtr owner;
    Time expires = Time::max();
    uint64_t generation = 0;
    std::optional<ObjectKind> kind;
    bool unreadable = false;
  };

  struct Wanted {
    OwnerRequest request;
    Time next_try;
    unsigned attempts = 0;
    std::vector<ObjectUid> pods;
  };

  uint64_t& Generation(ObjectKind kind) { return generations_.at(static_cast<size_t>(kind)); }

  void ExpireAt(const ObjectUid& uid, Node& node, Time when);

  InventoryOptions options_;
  Interner<OwnerReference> references_;
  std::unordered_map<ObjectUid, Node> nodes_;
  std::unordered_map<ObjectUid, Wanted> wanted_;
  // In the order of their expiry: owner_lifetime and history are constants each.
  std::deque<std::pair<Time, ObjectUid>> expiring_;
  std::array<uint64_t, 16> generations_{};
};

}  // namespace network_mapper
