// One attempt to resolve one observation: the rules behind Resolver, in three files:
// client_rules.cc (who reached out), server_rules.cc (names and addresses), operation_rules.cc
// (Kafka, HTTP, AWS). Only for this folder.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "common/observation/observation.h"
#include "mapper/intents/batch_effect.h"
#include "mapper/inventory/inventory.h"
#include "mapper/resolve/cluster_name.h"
#include "mapper/resolve/refusal.h"
#include "mapper/resolve/reporter.h"
#include "mapper/resolve/resolver.h"

namespace network_mapper {

// Why an attempt failed, and whether time may heal it.
struct Problem {
  Refusal refusal = Refusal::kMalformed;
  bool worth_waiting = false;
};

// Absent: no problem.
using Outcome = std::optional<Problem>;

class Attempt {
 public:
  Attempt(const ResolveOptions& options, const InventoryView& inventory,
          const Observation& observation, Patience patience, const Reporter& reporter)
      : options_(options),
        inventory_(inventory),
        observation_(observation),
        patience_(patience),
        reporter_(reporter) {}

  Outcome Run(std::vector<IntentSighting>& sightings);

 private:
  struct End {
    Workload workload;
    // Null when it is not known which pod it was.
    SharedText pod;
  };

  // What the rules find out step by step.
  struct Findings {
    End client;
    std::vector<End> servers;
    SharedText service;
    std::optional<IpAddress> server_address;
    std::optional<PortSeen> port;
    std::optional<IntentType> type;
    Resolution resolution = Resolution::kDns;
    Strength strength = Strength::kResolved;
    uint64_t answered = 0;
    bool counted_elsewhere = false;
  };

  bool IsEnabled() const;
  Outcome FindEnds();
  bool IsExcluded(const Workload& workload) const;
  Outcome Emit(std::vector<IntentSighting>& sightings);

  // client_rules.cc
  Outcome FindClient();
  Outcome FindClientByAddress(const IpAddress& address);
  bool IsOnAnotherNode(const PodFacts& pod) const;
  bool CountsElsewhere(const PodFacts& client) const;
  bool MayBeInCluster(const IpAddress& address) const;

  // server_rules.cc
  Outcome FindServer(const NameTarget& target);
  Outcome FindServerOfService(const ClusterName& name);
  Outcome FindServer(const AddressTarget& target);
  // At hostPort; the target has a port.
  PodAnswer PodBehind(const AddressTarget& target) const;
  Outcome FindServerOnNode(const AddressTarget& target);
  Outcome UseService(const ServiceFactsPtr& service);
  Outcome UsePod(const PodAnswer& answer, Refusal unknown);
  Outcome UseServerPod(const PodFactsPtr& pod);
  Outcome UseApiServer();

  // operation_rules.cc
  Outcome FindEnds(const KafkaTarget& target);
  Outcome FindEnds(const HttpTarget& target);
  PodFactsPtr PodOfWorkload(std::string_view name_space, std::string_view name) const;
  Outcome FindEnds(const AwsTarget& target);
  std::unique_ptr<IntentDetails> MakeDetails() const;

  const ResolveOptions& options_;
  const InventoryView& inventory_;
  const Observation& observation_;
  Patience patience_;
  const Reporter& reporter_;
  Findings found_;
};

// default/kubernetes.
const Workload& ApiServerWorkload();
bool IsApiServerService(std::string_view name_space, std::string_view name);
// The pod's name, sharing the life of its facts.
SharedText PodName(const PodFactsPtr& pod);

}  // namespace network_mapper
