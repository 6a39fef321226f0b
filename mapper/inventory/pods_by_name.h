// Pods by a namespace and a name that several of them may share, as that of their owner. Private to
// the inventory. Not thread-safe.
#pragma once

#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

#include "mapper/inventory/object_name.h"
#include "mapper/inventory/pod_entry.h"

namespace network_mapper {

class PodsByName {
 public:
  // The pod must not be there yet.
  void Add(ObjectName name, const PodEntryPtr& pod) { pods_[std::move(name)].push_back(pod); }

  void Remove(ObjectNameView name, const PodEntryPtr& pod) {
    auto found = pods_.find(name);
    if (found == pods_.end()) {
      return;
    }
    std::erase(found->second, pod);
    if (found->second.empty()) {
      pods_.erase(found);
    }
  }

  // The newest that is not gone; of those that are, the newest. Null: there is none.
  PodFactsPtr Newest(ObjectNameView name) const {
    auto found = pods_.find(name);
    if (found == pods_.end()) {
      return nullptr;
    }
    auto best = std::max_element(
        found->second.begin(), found->second.end(), [](const PodEntryPtr& a, const PodEntryPtr& b) {
          return a->gone == b->gone ? a->facts->created < b->facts->created : a->gone;
        });
    return (*best)->facts;
  }

 private:
  std::unordered_map<ObjectName, std::vector<PodEntryPtr>, ObjectNameHash, ObjectNameEqual> pods_;
};

}  // namespace network_mapper
