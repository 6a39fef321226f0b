// Bodies of LIST answers, with pages of one snapshot. Thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "common/concurrency/guarded.h"
#include "tests/support/kube_stand_in/object_store.h"

namespace network_mapper::stand_in {

struct ListRequest {
  ResourceType type = {};
  std::string name_space = {};
  Selector labels = {};
  Selector fields = {};
  // 0: all at once.
  size_t limit = 0;
  std::string continue_token = {};
  bool metadata_only = false;
};

class ListPages {
 public:
  // `store` must outlive this.
  explicit ListPages(const ObjectStore& store) : store_(store) {}

  // kOutOfRange when the continue token is no longer known.
  StatusOr<std::string> Body(const ListRequest& request);

 private:
  struct Snapshot {
    uint64_t id = 0;
    ListSnapshot list;
  };

  struct State {
    uint64_t last_id = 0;
    std::deque<Snapshot> snapshots;
  };

  ListSnapshot Take(const ListRequest& request) const;
  std::string Remember(const ListSnapshot& snapshot, size_t next, const std::string& token);

  const ObjectStore& store_;
  Guarded<State> state_;
};

}  // namespace network_mapper::stand_in
