// The command `explain`: finds the intents between two workloads and says, collector by collector,
// why they are on the map. Asks the mapper; prints nothing.
#pragma once

#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "cli/mapper_call.h"
#include "common/status/status.h"

namespace network_mapper::cli {

struct WorkloadName {
  std::string name;
  std::string name_space;

  friend bool operator==(const WorkloadName&, const WorkloadName&) = default;

  friend bool operator<(const WorkloadName& a, const WorkloadName& b) {
    return std::tie(a.name, a.name_space) < std::tie(b.name, b.name_space);
  }
};

// Whether `text` stands for the workload: NAME (in one of `namespaces`, or anywhere when there are
// none), NAME.NAMESPACE or NAMESPACE/NAME.
bool StandsFor(const std::string& text, const std::vector<std::string>& namespaces,
               const WorkloadName& workload);

using WorkloadPair = std::pair<WorkloadName, WorkloadName>;

// What explain was asked for.
struct PairQuestion {
  std::string client;
  std::string server;
  std::vector<std::string> namespaces;
};

// What is not there and what comes near, for `pairs`, all edges of the map.
std::string NoSuchEdgeText(const std::vector<WorkloadPair>& pairs, const PairQuestion& question);

struct Explanation {
  // The intents as the mapper's API gives them, with their evidence; an array.
  Json intents = Json::array();
  // All edges of the map, when nothing matches.
  std::vector<WorkloadPair> others;
};

// FailedPrecondition when the mapper keeps no evidence.
StatusOr<Explanation> AskForEvidence(const QueryTransport& transport, const PairQuestion& question);

// For people.
std::string ExplanationText(const Json& intents);

}  // namespace network_mapper::cli
