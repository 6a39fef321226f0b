// How many AWS resources each client has on the map, so that no client fills it: a resource is
// named in the client's own words, whether there is one or not. Part of the intent table.
#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>

#include "mapper/intents/intent.h"
#include "mapper/intents/intent_limits.h"

namespace network_mapper {

class AwsResourceCounts {
 public:
  explicit AwsResourceCounts(const IntentLimits& limits)
      : most_used_(limits.aws_resources_per_client),
        most_attempted_(limits.attempted_aws_resources_per_client) {}

  // Whether the client may have one more resource that is used, or that is only attempted. Neither
  // takes the other's room.
  bool HasRoom(const WorkloadIdentity& client, bool used) const;

  // Of an intent of another type than AWS: nothing.
  void Add(const Intent& intent);
  void Remove(const Intent& intent);

  void Clear() { clients_.clear(); }

 private:
  struct Counts {
    size_t used = 0;
    size_t attempted = 0;
  };

  size_t most_used_;
  size_t most_attempted_;
  // By "namespace/name"; only clients that have any.
  std::unordered_map<std::string, Counts> clients_;
};

}  // namespace network_mapper
