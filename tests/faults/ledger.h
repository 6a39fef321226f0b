// What collectors reported, and what of it a map shows. Every observation is one event of one edge,
// so that an edge's count says how many of its observations are on the map, and a count beyond
// them that one was applied twice, or that an edge is false. Thread-safe.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

#include <nlohmann/json.hpp>

#include "common/observation/observation.h"
#include "common/time/clock.h"

namespace network_mapper::faults {

// What hostile collectors name themselves; the ledger passes over their intents.
inline constexpr const char* kStranger = "stranger";

class Ledger {
 public:
  struct Comparison {
    uint64_t on_map = 0;
    // Events on the map that nobody reported.
    uint64_t surplus = 0;
    // An edge that has some.
    std::string surplus_edge;
  };

  // Makes an edge of its own, without the inventory's help.
  Observation Named(uint64_t number, Time time);

  // A connection from the pod at `from`, of workload `client`, to the pod at `to`, of `server`.
  struct Call {
    std::string client;
    IpAddress from;
    std::string server;
    IpAddress to;
  };

  Observation Called(const Call& call, Time time);

  uint64_t Sent() const;

  // `intents` as kIntentsQuery answers.
  Comparison Compare(const nlohmann::json& intents) const;

 private:
  void Expect(const std::string& client, const std::string& server);

  mutable std::mutex mutex_;
  std::unordered_map<std::string, uint64_t> expected_;
  uint64_t sent_ = 0;
};

inline constexpr const char* kIntentsQuery =
    "{intents{client{name} server{name} awsActions evidence{count}}}";

}  // namespace network_mapper::faults
