// One shared copy of each value that many intents hold: names of pods and services, identities.
// Used by the intent store under its lock; not thread-safe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <unordered_set>

#include "mapper/inventory/workload_identity.h"

namespace network_mapper {

struct SharedValueHash {
  size_t operator()(const std::string& text) const noexcept {
    return std::hash<std::string>()(text);
  }

  size_t operator()(const WorkloadIdentity& identity) const noexcept {
    return (*this)(identity.name) * 31 + (*this)(identity.name_space);
  }
};

template <typename T>
class SharedPool {
 public:
  using Pointer = std::shared_ptr<const T>;

  // The pool's copy of `value`; null for null. The copy is the pool's own: a pointer into a larger
  // object does not keep that object alive.
  Pointer Intern(const Pointer& value) {
    return value == nullptr
               ? nullptr
               : Find(value, [](const Pointer& own) { return std::make_shared<const T>(*own); });
  }

  // The same for a value that is an object of its own: the first of equal values itself, so that
  // who gave it still compares equal by pointer.
  Pointer Adopt(const Pointer& value) {
    return Find(value, [](const Pointer& own) { return own; });
  }

  size_t Size() const { return values_.size(); }

  void Clear() { values_.clear(); }

 private:
  static constexpr size_t kSmallestSweep = 1024;

  // Not noexcept: libstdc++ then keeps each element's hash beside it.
  struct Hash {
    size_t operator()(const Pointer& value) const { return SharedValueHash()(*value); }
  };

  struct Equal {
    bool operator()(const Pointer& a, const Pointer& b) const { return *a == *b; }
  };

  template <typename Make>
  Pointer Find(const Pointer& value, const Make& make) {
    if (auto found = values_.find(value); found != values_.end()) {
      return *found;
    }
    if (values_.size() >= sweep_at_) {
      Sweep();
    }
    return *values_.insert(make(value)).first;
  }

  // Drops what nobody but the pool holds. Runs when the pool has doubled since the last time, so
  // the cost of an Intern stays constant on average.
  void Sweep() {
    std::erase_if(values_, [](const Pointer& value) { return value.use_count() == 1; });
    sweep_at_ = std::max(kSmallestSweep, 2 * values_.size());
  }

  std::unordered_set<Pointer, Hash, Equal> values_;
  size_t sweep_at_ = kSmallestSweep;
};

}  // namespace network_mapper
