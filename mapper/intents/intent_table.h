// The intents in memory: found by what makes two sightings the same intent, and in the order in
// which they are shown. Part of the intent store, under its lock.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <unordered_set>

#include "mapper/intents/aws_resource_counts.h"
#include "mapper/intents/batch_effect.h"
#include "mapper/intents/intent.h"
#include "mapper/intents/intent_limits.h"
#include "mapper/intents/intent_merge.h"

namespace network_mapper {

class IntentTable {
  struct VisitOrder {
    bool operator()(const std::unique_ptr<Intent>& a, const std::unique_ptr<Intent>& b) const;
  };

 public:
  using Ordered = std::set<std::unique_ptr<Intent>, VisitOrder>;

  explicit IntentTable(const IntentLimits& limits)
      : merger_(limits), limit_(limits.intents), aws_resources_(limits) {}

  // By the byte strings "clientNamespace/clientName", "serverNamespace/serverName" and then by type
  // (none first).
  const Ordered& All() const { return ordered_; }

  size_t Size() const { return by_key_.size(); }

  // Rises whenever intents are erased: places in All() are then lost.
  uint64_t Erasures() const { return erasures_; }

  // The intent that the sighting became part of; null when there is no room for it.
  Intent* Merge(const IntentSighting& sighting);

  // An intent of the database; it takes the place of the one that is the same.
  void Put(int64_t row, std::unique_ptr<Intent> intent);

  // New intents get rows after this one.
  void ReserveRows(int64_t last) { next_row_ = std::max(next_row_, last + 1); }

  Ordered::node_type Erase(Ordered::const_iterator place);

  void Clear();

  // What the limits kept out since the last call.
  IntentOverflow TakeOverflow() { return merger_.TakeOverflow(); }

 private:
  struct Key {
    const WorkloadIdentity& client;
    const WorkloadIdentity& server;
    std::optional<IntentType> type;
  };

  // Not noexcept: libstdc++ then keeps each element's hash beside it, which spares a look into the
  // strings of every neighbour.
  struct KeyHash {
    using is_transparent = void;

    size_t operator()(const Key& key) const;

    size_t operator()(const Intent* intent) const { return (*this)(KeyOf(*intent)); }
  };

  struct KeyEqual {
    using is_transparent = void;

    bool operator()(const Key& a, const Intent* b) const;

    bool operator()(const Intent* a, const Key& b) const { return (*this)(b, a); }

    bool operator()(const Intent* a, const Intent* b) const { return (*this)(KeyOf(*a), b); }
  };

  static Key KeyOf(const Intent& intent) {
    return {*intent.client.identity, *intent.server.identity, intent.type};
  }

  void Insert(std::unique_ptr<Intent> intent);
  // Whether the client may have that resource in AWS, `known` to it so far; counts it when not.
  bool HasAwsRoom(const IntentSighting& sighting, const Intent* known);

  IntentMerger merger_;
  size_t limit_;
  AwsResourceCounts aws_resources_;
  // Owns the intents.
  Ordered ordered_;
  std::unordered_set<Intent*, KeyHash, KeyEqual> by_key_;
  uint64_t erasures_ = 0;
  int64_t next_row_ = 1;
};

}  // namespace network_mapper
