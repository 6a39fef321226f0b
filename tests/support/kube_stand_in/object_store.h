// The objects that the stand-in serves, with the history of their changes, as an API server's watch
// cache keeps it. Thread-safe. Knows nothing of HTTP.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/concurrency/waitable.h"
#include "common/status/status.h"
#include "tests/support/kube_stand_in/resource_types.h"
#include "tests/support/kube_stand_in/stored_object.h"

namespace network_mapper::stand_in {

enum class ChangeType : uint8_t { kAdded, kModified, kDeleted };

struct Change {
  uint64_t resource_version = 0;
  ChangeType type = ChangeType::kAdded;
  // The state after the change; of a deletion, the last state.
  StoredObjectPtr object;
  // Null for an addition.
  StoredObjectPtr previous;
};

struct ListSnapshot {
  std::vector<StoredObjectPtr> objects;
  uint64_t resource_version = 0;
};

struct ObjectKey {
  std::string name_space;
  std::string name;

  friend auto operator<=>(const ObjectKey&, const ObjectKey&) = default;
};

enum class PatchFormat : uint8_t { kMergePatch, kJsonPatch };

class ObjectStore {
 public:
  std::optional<ResourceType> TypeByPath(std::string_view group, std::string_view version,
                                         std::string_view plural) const;
  std::vector<ResourceType> Types() const;

  // Creates or replaces; an unknown kind becomes a custom resource.
  StatusOr<StoredObjectPtr> Apply(std::string_view object_json);
  // kAlreadyExists when it does; kAborted (Create never) when metadata.resourceVersion is given and
  // is not the stored one.
  StatusOr<StoredObjectPtr> Create(const ResourceType& type, std::string_view name_space,
                                   std::string_view object_json);
  StatusOr<StoredObjectPtr> Replace(const ResourceType& type, const ObjectKey& key,
                                    std::string_view object_json);
  StatusOr<StoredObjectPtr> Patch(const ResourceType& type, const ObjectKey& key,
                                  PatchFormat format, std::string_view patch_json);
  // `delete_options`: only preconditions.resourceVersion is looked at; empty for none.
  StatusOr<StoredObjectPtr> Delete(const ResourceType& type, const ObjectKey& key,
                                   std::string_view delete_options = {});
  // For objects that were made serialised already; replaces.
  void Insert(std::string_view api_version, std::string_view kind, StoredObject object);

  // Null when there is none.
  StoredObjectPtr Get(const ResourceType& type, const ObjectKey& key) const;
  // All namespaces when `name_space` is empty; sorted by namespace and name.
  ListSnapshot List(const ResourceType& type, std::string_view name_space) const;
  // kOutOfRange when the history no longer reaches back to `version`.
  StatusOr<std::vector<Change>> ChangesAfter(const ResourceType& type, uint64_t version) const;
  // Returns when something after `version` happened to the type, or `limit` has passed.
  void WaitForChange(const ResourceType& type, uint64_t version,
                     std::chrono::milliseconds limit) const;
  uint64_t ResourceVersion() const;
  // The next change gets a version beyond this one, as in a store that outlived its server.
  void StartAfter(uint64_t version);
  // Forgets the history: every watch from an older version is answered with 410.
  void Compact();

 private:
  struct Collection {
    std::map<ObjectKey, StoredObjectPtr> objects;
    std::deque<Change> history;
    // Changes up to here are not in the history.
    uint64_t compacted = 0;
  };

  struct State {
    ResourceCatalog catalog;
    // By index of the catalog.
    std::map<size_t, Collection> collections;
    uint64_t version = 1;
    uint64_t uids = 0;
  };

  static std::optional<size_t> Index(const State& state, const ResourceType& type);
  static const Collection* Find(const State& state, const ResourceType& type);
  static StoredObjectPtr Commit(State& state, size_t index, StoredObject object);
  static StatusOr<StoredObjectPtr> Write(State& state, size_t index, PreparedObject prepared,
                                         const StoredObjectPtr& previous);

  Waitable<State> state_;
};

}  // namespace network_mapper::stand_in
