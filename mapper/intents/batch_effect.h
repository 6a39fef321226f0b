// What a batch of observations does to the intent store, as one unit of commit. Made by the
// pipeline from what the resolver answers; a durable store writes the same unit.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/observation/observation.h"
#include "common/time/clock.h"
#include "mapper/intents/intent.h"
#include "mapper/inventory/workload_identity.h"

namespace network_mapper {

// What an observation resolved to. Texts are shared with the inventory; the store keeps its own.
struct IntentSighting {
  Workload client;
  Workload server;
  std::optional<IntentType> type;
  Resolution resolution = Resolution::kDns;
  SharedText kubernetes_service;
  Collector collector = Collector::kDns;
  Strength strength = Strength::kResolved;
  Time first_seen;
  Time last_seen;
  uint64_t count = 0;
  uint64_t answered = 0;
  // The server is one of several workloads behind the service that was addressed.
  bool shared = false;
  std::optional<PortSeen> port;
  EvidenceSample sample;
  // At most one topic or path, any number of actions; null for a plain connection.
  std::unique_ptr<IntentDetails> details;
};

// An observation that could not be resolved yet but may be when the inventory has caught up.
struct HeldObservation {
  uint64_t id = 0;
  Observation observation;
  // When waiting ends; in this process's monotonic time.
  SteadyTime deadline;
  // Who reported it; empty when that is not known, or not any more.
  std::string instance_id = {};
  // The node of who reported it, and whether that is proven. Not kept over a restart.
  std::string reporter_node = {};
  bool reporter_is_proven = false;
};

using HeldObservationPtr = std::shared_ptr<const HeldObservation>;

// What a collector inside the mapper has to know after a restart, by name; absent: it goes. On disk
// together with what it reported, so that nothing is lost in between, and nothing doubled.
using Bookmarks = std::map<std::string, std::optional<std::string>>;
using BookmarksPtr = std::shared_ptr<const Bookmarks>;

struct BatchEffect {
  // Empty for what has no sequence: reports of original collectors, and retries of held
  // observations.
  std::string instance_id;
  uint64_t sequence = 0;
  std::vector<IntentSighting> sightings;
  std::vector<HeldObservationPtr> hold;
  // Ids of held observations that wait no longer: resolved or refused.
  std::vector<uint64_t> settled;
  // Null for most.
  BookmarksPtr bookmarks = nullptr;
};

}  // namespace network_mapper
