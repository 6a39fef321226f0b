// Who reports an observation, where that decides whether it counts: a packet between two nodes is
// seen by the collectors of both, and the client's node is where it counts.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/time/clock.h"

namespace network_mapper {

// Which nodes have a collector of their own. Not thread-safe.
class ReportingNodes {
 public:
  explicit ReportingNodes(SteadyTime start) : start_(start) {}

  void Hear(const std::string& node, SteadyTime now) {
    if (node.empty()) {
      return;
    }
    if (!heard_.contains(node)) {
      std::erase_if(heard_, [now](const auto& entry) { return now - entry.second >= kSilence; });
    }
    heard_[node] = now;
  }

  // A node is taken to have one until it has been silent for long.
  bool Reports(const std::string& node, SteadyTime now) const {
    auto heard = heard_.find(node);
    return now - (heard == heard_.end() ? start_ : heard->second) < kSilence;
  }

 private:
  static constexpr std::chrono::minutes kSilence{5};

  SteadyTime start_;
  std::unordered_map<std::string, SteadyTime> heard_;
};

struct Reporter {
  // Empty: not known, as with the original's collectors.
  std::string_view node_name;
  // The collector's token tells the node.
  bool is_proven = false;
  // Null: none is known.
  const ReportingNodes* nodes = nullptr;
  SteadyTime now;
};

}  // namespace network_mapper
