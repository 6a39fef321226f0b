#include "cli/map_diff.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "cli/screen_text.h"

namespace network_mapper::cli {

namespace {

struct Content {
  std::set<std::string> details;
  std::set<std::string> kinds;
};

using Edges = std::map<Edge, Content>;

std::string Joined(std::vector<std::string> words) {
  std::sort(words.begin(), words.end());
  return fmt::format("{}", fmt::join(words, ", "));
}

Edges EdgesOf(const std::vector<ClientIntents>& clients) {
  Edges edges;
  for (const ClientIntents& client : clients) {
    for (const Target& target : client.targets) {
      Content& content = edges[{.client = client.name,
                                .client_namespace = client.name_space,
                                .server = std::string(ServerName(target)),
                                .server_namespace = std::string(ServerNamespace(target, client))}];
      if (target.kind == Target::Kind::kService) {
        content.kinds.insert("Service");
      } else if (!target.workload_kind.empty()) {
        content.kinds.insert(target.workload_kind);
      }
      for (const HttpRule& rule : target.http) {
        content.details.insert(fmt::format("HTTP path {}: {}", rule.path, Joined(rule.methods)));
      }
      if (!target.actions.empty()) {
        content.details.insert("AWS actions " + Joined(target.actions));
      }
      for (const KafkaTopicRule& topic : target.topics) {
        content.details.insert(
            fmt::format("Kafka topic {}: {}", topic.name, Joined(topic.operations)));
      }
    }
  }
  return edges;
}

// What `a` has and `b` has not.
std::vector<std::string> Without(const std::set<std::string>& a, const std::set<std::string>& b) {
  std::vector<std::string> rest;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(rest));
  return rest;
}

void AppendKinds(const std::set<std::string>& a, const std::set<std::string>& b,
                 std::vector<std::string>& details) {
  if (a.empty() || b.empty()) {
    return;
  }
  for (const std::string& kind : Without(a, b)) {
    details.push_back("kind " + kind);
  }
}

std::string EdgeText(const Edge& edge) {
  // A resource in AWS is in no namespace.
  return OnScreen(fmt::format("{}.{} -> {}{}{}", edge.client, edge.client_namespace, edge.server,
                              edge.server_namespace.empty() ? "" : ".", edge.server_namespace));
}

Json EdgeJson(const Edge& edge) {
  return {{"client", {{"name", edge.client}, {"namespace", edge.client_namespace}}},
          {"server", {{"name", edge.server}, {"namespace", edge.server_namespace}}}};
}

}  // namespace

MapDiff Compare(const std::vector<ClientIntents>& before, const std::vector<ClientIntents>& after) {
  const Edges old_edges = EdgesOf(before);
  const Edges new_edges = EdgesOf(after);
  MapDiff diff;
  for (const auto& [edge, content] : old_edges) {
    auto found = new_edges.find(edge);
    if (found == new_edges.end()) {
      diff.gone.push_back(edge);
      continue;
    }
    ChangedEdge changed{.edge = edge,
                        .added = Without(found->second.details, content.details),
                        .gone = Without(content.details, found->second.details)};
    AppendKinds(found->second.kinds, content.kinds, changed.added);
    AppendKinds(content.kinds, found->second.kinds, changed.gone);
    if (!changed.added.empty() || !changed.gone.empty()) {
      diff.changed.push_back(std::move(changed));
    }
  }
  for (const auto& [edge, content] : new_edges) {
    if (!old_edges.contains(edge)) {
      diff.added.push_back(edge);
    }
  }
  return diff;
}

std::string DiffText(const MapDiff& diff) {
  std::string out;
  for (const Edge& edge : diff.added) {
    out += fmt::format("added    {}\n", EdgeText(edge));
  }
  for (const Edge& edge : diff.gone) {
    out += fmt::format("gone     {}\n", EdgeText(edge));
  }
  for (const ChangedEdge& changed : diff.changed) {
    out += fmt::format("changed  {}\n", EdgeText(changed.edge));
    for (const std::string& detail : changed.added) {
      out += fmt::format("           + {}\n", OnScreen(detail));
    }
    for (const std::string& detail : changed.gone) {
      out += fmt::format("           - {}\n", OnScreen(detail));
    }
  }
  return out;
}

Json DiffJson(const MapDiff& diff) {
  Json json = {{"added", Json::array()}, {"gone", Json::array()}, {"changed", Json::array()}};
  for (const Edge& edge : diff.added) {
    json["added"].push_back(EdgeJson(edge));
  }
  for (const Edge& edge : diff.gone) {
    json["gone"].push_back(EdgeJson(edge));
  }
  for (const ChangedEdge& changed : diff.changed) {
    Json one = EdgeJson(changed.edge);
    one["added"] = changed.added;
    one["gone"] = changed.gone;
    json["changed"].push_back(std::move(one));
  }
  return json;
}

}  // namespace network_mapper::cli
