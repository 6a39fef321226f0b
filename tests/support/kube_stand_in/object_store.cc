#include "tests/support/kube_stand_in/object_store.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/time/clock.h"
#include "common/time/time_text.h"

namespace network_mapper::stand_in {

namespace {

using nlohmann::json;
using nlohmann::literals::operator""_json_pointer;

constexpr size_t kHistoryLimit = 100'000;

StoredObjectPtr FindObject(const std::map<ObjectKey, StoredObjectPtr>& objects,
                           const ObjectKey& key) {
  const auto found = objects.find(key);
  return found == objects.end() ? nullptr : found->second;
}

// What an API server fills in, unless the writer did: uid and creationTimestamp.
void FillMetadata(StoredObject& object, const StoredObject* previous, uint64_t& uids) {
  const auto fill = [&](const char* key, const char* field, const std::string& fresh) {
    if (!ValueOf(object.fields, field).empty()) {
      return;
    }
    const std::string value =
        previous == nullptr ? fresh : std::string(ValueOf(previous->fields, field));
    std::erase_if(object.fields, [&](const auto& pair) { return pair.first == field; });
    object.fields.emplace_back(field, value);
    object.metadata += fmt::format(R"(,"{}":"{}")", key, value);
  };
  const auto now = std::chrono::floor<std::chrono::seconds>(Clock::System().Now());
  fill("uid", "metadata.uid", fmt::format("5a4d0000-0000-4000-8000-{:012x}", ++uids));
  fill("creationTimestamp", "metadata.creationTimestamp", FormatRfc3339(now));
}

}  // namespace

std::optional<size_t> ObjectStore::Index(const State& state, const ResourceType& type) {
  return state.catalog.ByPath(type.group, type.version, type.plural);
}

const ObjectStore::Collection* ObjectStore::Find(const State& state, const ResourceType& type) {
  const auto index = Index(state, type);
  const auto found = index ? state.collections.find(*index) : state.collections.end();
  return found == state.collections.end() ? nullptr : &found->second;
}

std::optional<ResourceType> ObjectStore::TypeByPath(std::string_view group,
                                                    std::string_view version,
                                                    std::string_view plural) const {
  return state_.Read([&](const State& state) -> std::optional<ResourceType> {
    const auto index = state.catalog.ByPath(group, version, plural);
    return index ? std::optional(state.catalog.All()[*index]) : std::nullopt;
  });
}

std::vector<ResourceType> ObjectStore::Types() const {
  return state_.Read([](const State& state) { return state.catalog.All(); });
}

StoredObjectPtr ObjectStore::Commit(State& state, size_t index, StoredObject object) {
  Collection& collection = state.collections[index];
  object.resource_version = ++state.version;
  StoredObjectPtr& slot = collection.objects[{object.name_space, object.name}];
  const StoredObjectPtr previous = slot;
  slot = std::make_shared<const StoredObject>(std::move(object));
  collection.history.push_back(
      {state.version, previous ? ChangeType::kModified : ChangeType::kAdded, slot, previous});
  if (collection.history.size() > kHistoryLimit) {
    collection.compacted = collection.history.front().resource_version;
    collection.history.pop_front();
  }
  return slot;
}

StatusOr<StoredObjectPtr> ObjectStore::Write(State& state, size_t index, PreparedObject prepared,
                                             const StoredObjectPtr& previous) {
  if (previous && prepared.expected_version && !prepared.expected_version->empty() &&
      *prepared.expected_version != std::to_string(previous->resource_version)) {
    return MakeStatus(StatusCode::kAborted,
                      "the object has been modified; please apply your changes to the latest "
                      "version and try again");
  }
  FillMetadata(prepared.object, previous.get(), state.uids);
  return Commit(state, index, std::move(prepared.object));
}

StatusOr<StoredObjectPtr> ObjectStore::Apply(std::string_view object_json) {
  ASSIGN_OR_RETURN(PreparedObject prepared, PrepareObject(object_json));
  prepared.expected_version.reset();
  return state_.Change([&](State& state) {
    const size_t index = state.catalog.Learn(prepared.api_version, prepared.kind,
                                             !prepared.object.name_space.empty());
    const StoredObjectPtr previous = FindObject(state.collections[index].objects,
                                                {prepared.object.name_space, prepared.object.name});
    return Write(state, index, std::move(prepared), previous);
  });
}

StatusOr<StoredObjectPtr> ObjectStore::Create(const ResourceType& type, std::string_view name_space,
                                              std::string_view object_json) {
  ASSIGN_OR_RETURN(PreparedObject prepared, PrepareObject(object_json));
  StoredObject& object = prepared.object;
  if (type.namespaced && object.name_space.empty()) {
    object.name_space = name_space;
    object.metadata += fmt::format(R"(,"namespace":"{}")", name_space);
    std::erase_if(object.fields, [](const auto& p) { return p.first == "metadata.namespace"; });
    object.fields.emplace_back("metadata.namespace", name_space);
  }
  if (prepared.kind != type.kind || object.name_space != name_space) {
    return InvalidArgument("the object does not belong to this collection");
  }
  return state_.Change([&](State& state) -> StatusOr<StoredObjectPtr> {
    const size_t index = state.catalog.Learn(type.ApiVersion(), type.kind, type.namespaced);
    if (FindObject(state.collections[index].objects, {object.name_space, object.name})) {
      return MakeStatus(StatusCode::kAlreadyExists,
                        fmt::format("{} \"{}\" already exists", type.plural, object.name));
    }
    return Write(state, index, std::move(prepared), nullptr);
  });
}

StatusOr<StoredObjectPtr> ObjectStore::Replace(const ResourceType& type, const ObjectKey& key,
                                               std::string_view object_json) {
  ASSIGN_OR_RETURN(PreparedObject prepared, PrepareObject(object_json));
  if (prepared.object.name != key.name || prepared.object.name_space != key.name_space) {
    return InvalidArgument("the name of the object does not match the name of the URL");
  }
  return state_.Change([&](State& state) -> StatusOr<StoredObjectPtr> {
    const size_t index = state.catalog.Learn(type.ApiVersion(), type.kind, type.namespaced);
    const StoredObjectPtr previous = FindObject(state.collections[index].objects, key);
    if (!previous) {
      return NotFound("{} \"{}\" not found", type.plural, key.name);
    }
    return Write(state, index, std::move(prepared), previous);
  });
}

StatusOr<StoredObjectPtr> ObjectStore::Patch(const ResourceType& type, const ObjectKey& key,
                                             PatchFormat format, std::string_view patch_json) {
  const StoredObjectPtr previous = Get(type, key);
  if (!previous) {
    return NotFound("{} \"{}\" not found", type.plural, key.name);
  }
  std::string text;
  AppendObject(type, *previous, text);
  json object = json::parse(text, nullptr, false);
  const json patch = json::parse(patch_json, nullptr, false);
  if (patch.is_discarded()) {
    return InvalidArgument("the patch is not JSON");
  }
  if (format == PatchFormat::kMergePatch) {
    object.merge_patch(patch);
  } else {
    try {
      object = object.patch(patch);
    } catch (const json::exception& error) {
      return InvalidArgument("the patch does not apply: {}", error.what());
    }
  }
  return Replace(type, key, object.dump());
}

StatusOr<StoredObjectPtr> ObjectStore::Delete(const ResourceType& type, const ObjectKey& key,
                                              std::string_view delete_options) {
  const json options = json::parse(delete_options, nullptr, false);
  const json version = options.is_object()
                           ? options.value("/preconditions/resourceVersion"_json_pointer, json())
                           : json();
  return state_.Change([&](State& state) -> StatusOr<StoredObjectPtr> {
    const auto index = Index(state, type);
    Collection* collection = index ? &state.collections[*index] : nullptr;
    const StoredObjectPtr previous = collection ? FindObject(collection->objects, key) : nullptr;
    if (!previous) {
      return NotFound("{} \"{}\" not found", type.plural, key.name);
    }
    if (version.is_string() && version != std::to_string(previous->resource_version)) {
      return MakeStatus(StatusCode::kAborted, "the precondition of the resourceVersion fails");
    }
    StoredObject last = *previous;
    last.resource_version = ++state.version;
    const auto object = std::make_shared<const StoredObject>(std::move(last));
    collection->objects.erase(key);
    collection->history.push_back({state.version, ChangeType::kDeleted, object, previous});
    return object;
  });
}

void ObjectStore::Insert(std::string_view api_version, std::string_view kind, StoredObject object) {
  state_.Change([&](State& state) {
    const size_t index = state.catalog.Learn(api_version, kind, !object.name_space.empty());
    Commit(state, index, std::move(object));
  });
}

StoredObjectPtr ObjectStore::Get(const ResourceType& type, const ObjectKey& key) const {
  return state_.Read([&](const State& state) -> StoredObjectPtr {
    const Collection* collection = Find(state, type);
    return collection == nullptr ? nullptr : FindObject(collection->objects, key);
  });
}

ListSnapshot ObjectStore::List(const ResourceType& type, std::string_view name_space) const {
  return state_.Read([&](const State& state) {
    ListSnapshot snapshot;
    snapshot.resource_version = state.version;
    if (const Collection* collection = Find(state, type)) {
      for (const auto& [key, object] : collection->objects) {
        if (name_space.empty() || key.name_space == name_space) {
          snapshot.objects.push_back(object);
        }
      }
    }
    return snapshot;
  });
}

StatusOr<std::vector<Change>> ObjectStore::ChangesAfter(const ResourceType& type,
                                                        uint64_t version) const {
  return state_.Read([&](const State& state) -> StatusOr<std::vector<Change>> {
    std::vector<Change> changes;
    const Collection* collection = Find(state, type);
    if (collection == nullptr) {
      return changes;
    }
    if (version < collection->compacted) {
      return MakeStatus(StatusCode::kOutOfRange, fmt::format("too old resource version: {} ({})",
                                                             version, collection->compacted));
    }
    const auto first =
        std::upper_bound(collection->history.begin(), collection->history.end(), version,
                         [](uint64_t v, const Change& c) { return v < c.resource_version; });
    changes.assign(first, collection->history.end());
    return changes;
  });
}

void ObjectStore::WaitForChange(const ResourceType& type, uint64_t version,
                                std::chrono::milliseconds limit) const {
  state_.WaitFor(limit, [&](const State& state) {
    const Collection* collection = Find(state, type);
    return collection != nullptr && !collection->history.empty() &&
           collection->history.back().resource_version > version;
  });
}

void ObjectStore::StartAfter(uint64_t version) {
  state_.Change([version](State& state) { state.version = std::max(state.version, version); });
}

uint64_t ObjectStore::ResourceVersion() const {
  return state_.Read([](const State& state) { return state.version; });
}

void ObjectStore::Compact() {
  state_.Change([](State& state) {
    // A version of its own, so that every version handed out before is too old.
    ++state.version;
    for (size_t i = 0; i < state.catalog.All().size(); ++i) {
      Collection& collection = state.collections[i];
      collection.history.clear();
      collection.compacted = state.version;
    }
  });
}

}  // namespace network_mapper::stand_in
