// Equal immutable values share one object: ten thousand pods of one Deployment hold one label set
// and one identity, and two identities are equal exactly if their pointers are. Values that nobody
// holds any more are dropped now and then. Not thread-safe, but what it hands out may be copied and
// released on any thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <unordered_set>
#include <utility>

#include "mapper/inventory/records.h"
#include "mapper/inventory/workload_identity.h"

namespace network_mapper {

inline size_t CombineHash(size_t seed, size_t value) {
  return seed ^ (value + 0x9E3779B97F4A7C15ULL + (seed << 6U) + (seed >> 2U));
}

struct InternHash {
  size_t operator()(const std::string& text) const { return std::hash<std::string>()(text); }

  size_t operator()(const Labels& labels) const {
    size_t hash = labels.size();
    for (const auto& [key, value] : labels) {
      hash = CombineHash(hash, std::hash<std::string>()(key));
      hash = CombineHash(hash, std::hash<std::string>()(value));
    }
    return hash;
  }

  size_t operator()(const WorkloadIdentity& identity) const {
    size_t hash = std::hash<std::string>()(identity.name);
    hash = CombineHash(hash, std::hash<std::string>()(identity.name_space));
    return identity.owner_kind
               ? CombineHash(hash, std::hash<std::string>()(identity.owner_kind->kind))
               : hash;
  }

  size_t operator()(const OwnerReference& reference) const {
    size_t hash = std::hash<std::string>()(reference.name);
    return reference.uid ? CombineHash(hash, std::hash<ObjectUid>()(*reference.uid)) : hash;
  }

  template <typename T>
  size_t operator()(const std::shared_ptr<const T>& value) const {
    return (*this)(*value);
  }

  using is_transparent = void;  // NOLINT(readability-identifier-naming): the standard's name
};

struct InternEqual {
  template <typename T>
  bool operator()(const std::shared_ptr<const T>& a, const std::shared_ptr<const T>& b) const {
    return *a == *b;
  }

  template <typename T>
  bool operator()(const T& a, const std::shared_ptr<const T>& b) const {
    return a == *b;
  }

  template <typename T>
  bool operator()(const std::shared_ptr<const T>& a, const T& b) const {
    return *a == b;
  }

  using is_transparent = void;  // NOLINT(readability-identifier-naming): the standard's name
};

template <typename T>
class Interner {
 public:
  std::shared_ptr<const T> Intern(T value) {
    auto found = values_.find(value);
    if (found != values_.end()) {
      return *found;
    }
    if (values_.size() >= purge_at_) {
      Purge();
    }
    return *values_.insert(std::make_shared<const T>(std::move(value))).first;
  }

  size_t Size() const { return values_.size(); }

 private:
  static constexpr size_t kSmall = 1024;

  void Purge() {
    std::erase_if(values_, [](const auto& value) { return value.use_count() == 1; });
    purge_at_ = std::max(kSmall, values_.size() * 2);
  }

  std::unordered_set<std::shared_ptr<const T>, InternHash, InternEqual> values_;
  size_t purge_at_ = kSmall;
};

}  // namespace network_mapper
