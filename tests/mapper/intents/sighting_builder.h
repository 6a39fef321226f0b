// Sightings and queries for tests of the intent store.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "mapper/intents/batch_effect.h"
#include "mapper/intents/intent_store.h"

namespace network_mapper {

inline Time At(int seconds) {
  return Time(std::chrono::seconds(1767225600 + seconds));
}

inline SharedText Text(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}

inline GroupVersionKind DeploymentKind() {
  return {"apps", "v1", "Deployment"};
}

inline Workload MakeWorkload(std::string name_space, std::string name,
                             std::optional<GroupVersionKind> kind = DeploymentKind(),
                             Labels labels = {}) {
  WorkloadIdentity identity;
  identity.name = std::move(name);
  identity.name_space = std::move(name_space);
  identity.owner_kind = std::move(kind);
  return {std::make_shared<const WorkloadIdentity>(std::move(identity)),
          std::make_shared<const Labels>(std::move(labels))};
}

inline IntentSighting MakeSighting(Workload client, Workload server, int second = 0) {
  IntentSighting sighting;
  sighting.client = std::move(client);
  sighting.server = std::move(server);
  sighting.collector = Collector::kTcpSyn;
  sighting.resolution = Resolution::kTcp;
  sighting.strength = Strength::kAttempted;
  sighting.first_seen = At(second);
  sighting.last_seen = At(second);
  sighting.count = 1;
  return sighting;
}

// shop/<client> -> shop/<server>
inline IntentSighting MakeSighting(const std::string& client, const std::string& server,
                                   int second = 0) {
  return MakeSighting(MakeWorkload("shop", client), MakeWorkload("shop", server), second);
}

// One sighting as a batch of an instance.
inline BatchEffect Numbered(const std::string& instance, uint64_t sequence,
                            IntentSighting sighting) {
  BatchEffect effect;
  effect.instance_id = instance;
  effect.sequence = sequence;
  effect.sightings.push_back(std::move(sighting));
  return effect;
}

// Applies one sighting outside any sequence.
inline void See(IntentStore& store, IntentSighting sighting) {
  BatchEffect effect;
  effect.sightings.push_back(std::move(sighting));
  store.Apply(std::move(effect));
}

// "client namespace/client -> server namespace/server [type]" in the order of the visit.
inline std::vector<std::string> Edges(const IntentStore& store, const IntentFilter& filter = {}) {
  std::vector<std::string> edges;
  store.Visit(filter, [&edges](const Intent& intent) {
    const WorkloadIdentity& client = *intent.client.identity;
    const WorkloadIdentity& server = *intent.server.identity;
    std::string edge = client.name_space + "/" + client.name + " -> ";
    edge += server.name_space.empty() ? server.name : server.name_space + "/" + server.name;
    if (intent.type.has_value()) {
      edge += " " + std::string(IntentTypeName(*intent.type));
    }
    edges.push_back(std::move(edge));
    return true;
  });
  return edges;
}

// Looks at the store's only intent.
template <typename F>
void WithOnlyIntent(const IntentStore& store, F&& look) {
  size_t seen = 0;
  store.Visit({}, [&seen, &look](const Intent& intent) {
    if (++seen == 1) {
      look(intent);
    }
    return true;
  });
  if (seen != 1) {
    ADD_FAILURE() << "the store holds " << seen << " intents instead of one";
  }
}

}  // namespace network_mapper
