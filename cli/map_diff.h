// What differs between two maps, given as ClientIntents. Pure.
#pragma once

#include <string>
#include <tuple>
#include <vector>

#include "cli/client_intents.h"
#include "cli/mapper_call.h"

namespace network_mapper::cli {

struct Edge {
  std::string client;
  std::string client_namespace;
  std::string server;
  std::string server_namespace;

  friend bool operator<(const Edge& a, const Edge& b) {
    return std::tie(a.client, a.client_namespace, a.server, a.server_namespace) <
           std::tie(b.client, b.client_namespace, b.server, b.server_namespace);
  }
};

struct ChangedEdge {
  Edge edge;
  // Such as "HTTP path /cart: GET", "Kafka topic orders: consume", "kind Deployment".
  std::vector<std::string> added;
  std::vector<std::string> gone;
};

struct MapDiff {
  std::vector<Edge> added;
  std::vector<Edge> gone;
  std::vector<ChangedEdge> changed;

  bool Empty() const { return added.empty() && gone.empty() && changed.empty(); }
};

// Of edges that both have, what they carry is compared; kinds where both give them.
MapDiff Compare(const std::vector<ClientIntents>& before, const std::vector<ClientIntents>& after);

// One line an edge, further ones for what changed.
std::string DiffText(const MapDiff& diff);
Json DiffJson(const MapDiff& diff);

}  // namespace network_mapper::cli
