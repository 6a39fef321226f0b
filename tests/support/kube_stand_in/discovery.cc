#include "tests/support/kube_stand_in/discovery.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "tests/support/kube_stand_in/request_path.h"

namespace network_mapper::stand_in {

namespace {

using nlohmann::json;

const json& Verbs() {
  static const json kVerbs = {"create", "delete", "get", "list", "patch", "update", "watch"};
  return kVerbs;
}

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char letter) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  });
  return text;
}

}  // namespace

std::string GroupList(const std::vector<ResourceType>& types) {
  std::map<std::string, std::set<std::string>> versions;
  for (const ResourceType& type : types) {
    if (!type.group.empty()) {
      versions[type.group].insert(type.version);
    }
  }
  json groups = json::array();
  for (const auto& [group, of_group] : versions) {
    json entries = json::array();
    for (const std::string& version : of_group) {
      entries.push_back({{"groupVersion", group + "/" + version}, {"version", version}});
    }
    groups.push_back({{"name", group}, {"versions", entries}, {"preferredVersion", entries[0]}});
  }
  return json{{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", groups}}.dump();
}

std::string AggregatedDiscovery(const std::vector<ResourceType>& types, bool core) {
  std::map<std::string, std::map<std::string, json>> resources;
  for (const ResourceType& type : types) {
    if (type.group.empty() == core) {
      resources[type.group][type.version].push_back(
          {{"resource", type.plural},
           {"responseKind",
            {{"group", type.group}, {"version", type.version}, {"kind", type.kind}}},
           {"scope", type.namespaced ? "Namespaced" : "Cluster"},
           {"singularResource", Lower(type.kind)},
           {"verbs", Verbs()}});
    }
  }
  json items = json::array();
  for (const auto& [group, versions] : resources) {
    json entries = json::array();
    for (const auto& [version, of_version] : versions) {
      entries.push_back(
          {{"version", version}, {"resources", of_version}, {"freshness", "Current"}});
    }
    items.push_back({{"metadata", {{"name", group}}}, {"versions", entries}});
  }
  return json{{"kind", "APIGroupDiscoveryList"},
              {"apiVersion", "apidiscovery.k8s.io/v2"},
              {"metadata", json::object()},
              {"items", items}}
      .dump();
}

std::string ResourceList(const std::vector<ResourceType>& types, std::string_view group,
                         std::string_view version) {
  json resources = json::array();
  std::string group_version;
  for (const ResourceType& type : types) {
    if (type.group != group || type.version != version) {
      continue;
    }
    group_version = type.ApiVersion();
    resources.push_back({{"name", type.plural},
                         {"singularName", Lower(type.kind)},
                         {"namespaced", type.namespaced},
                         {"kind", type.kind},
                         {"verbs", Verbs()}});
    if (type.built_in && type.plural != "configmaps" && type.plural != "secrets") {
      resources.push_back({{"name", type.plural + "/status"},
                           {"singularName", ""},
                           {"namespaced", type.namespaced},
                           {"kind", type.kind},
                           {"verbs", {"get", "patch", "update"}}});
    }
  }
  if (resources.empty()) {
    return {};
  }
  return json{{"kind", "APIResourceList"},
              {"apiVersion", "v1"},
              {"groupVersion", group_version},
              {"resources", resources}}
      .dump();
}

std::string DiscoveryDocument(const std::vector<ResourceType>& types, std::string_view path,
                              bool aggregated) {
  if (const auto parsed = ParseRequestPath(path)) {
    return ResourceList(types, parsed->group, parsed->version);
  }
  if (path == "/version") {
    return R"({"major":"1","minor":"36","gitVersion":"v1.36.0-stand-in"})";
  }
  if (path != "/api" && path != "/apis") {
    return "";
  }
  if (aggregated) {
    return AggregatedDiscovery(types, path == "/api");
  }
  return path == "/apis" ? GroupList(types) : R"({"kind":"APIVersions","versions":["v1"]})";
}

}  // namespace network_mapper::stand_in
