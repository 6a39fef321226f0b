#include "common/kube/discovery.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/kube/json_member.h"
#include "common/kube/paths.h"

namespace network_mapper::kube {

namespace {

constexpr std::chrono::seconds kRefreshInterval{30};
// Names of kinds come from the objects of a cluster; what is remembered of them is bounded.
constexpr size_t kMostVersions = 1000;
constexpr std::string_view kAccept =
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";

bool BoolMember(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

const nlohmann::json& ArrayMember(const nlohmann::json& object, const char* key) {
  static const nlohmann::json empty = nlohmann::json::array();
  const auto found = object.find(key);
  return found != object.end() && found->is_array() ? *found : empty;
}

std::map<std::string, std::string> TextMap(const nlohmann::json& object, const char* key) {
  std::map<std::string, std::string> texts;
  const auto found = object.find(key);
  if (found != object.end() && found->is_object()) {
    for (const auto& [name, value] : found->items()) {
      if (value.is_string()) {
        texts.emplace(name, value.get<std::string>());
      }
    }
  }
  return texts;
}

OwnerReference ReadOwner(const nlohmann::json& json) {
  OwnerReference owner;
  owner.api_version = StringMember(json, "apiVersion");
  owner.kind = StringMember(json, "kind");
  owner.name = StringMember(json, "name");
  owner.uid = StringMember(json, "uid");
  owner.controller = BoolMember(json, "controller");
  return owner;
}

bool CanBeRead(const nlohmann::json& resource) {
  const nlohmann::json& verbs = ArrayMember(resource, "verbs");
  return std::any_of(verbs.begin(), verbs.end(), [](const nlohmann::json& verb) {
    return verb.is_string() && verb.get<std::string>() == "get";
  });
}

}  // namespace

StatusOr<ObjectMetadata> ParseObjectMetadata(std::string_view json) {
  const nlohmann::json document = nlohmann::json::parse(json, nullptr, false);
  const bool usable =
      document.is_object() && document.contains("metadata") && document["metadata"].is_object();
  if (!usable) {
    return InvalidArgument("the answer is no Kubernetes object");
  }
  const nlohmann::json& source = document["metadata"];
  ObjectMetadata metadata;
  metadata.name = StringMember(source, "name");
  metadata.name_space = StringMember(source, "namespace");
  metadata.uid = StringMember(source, "uid");
  metadata.labels = TextMap(source, "labels");
  metadata.annotations = TextMap(source, "annotations");
  for (const nlohmann::json& owner : ArrayMember(source, "ownerReferences")) {
    if (owner.is_object()) {
      metadata.owners.push_back(ReadOwner(owner));
    }
  }
  return metadata;
}

StatusOr<std::map<std::string, ResourceKind>> ParseResourceList(std::string_view json) {
  const nlohmann::json document = nlohmann::json::parse(json, nullptr, false);
  if (!document.is_object() || StringMember(document, "kind") != "APIResourceList") {
    return InvalidArgument("the answer is no APIResourceList");
  }
  std::map<std::string, ResourceKind> kinds;
  for (const nlohmann::json& resource : ArrayMember(document, "resources")) {
    if (!resource.is_object()) {
      continue;
    }
    ResourceKind kind;
    kind.plural = StringMember(resource, "name");
    kind.namespaced = BoolMember(resource, "namespaced");
    const std::string name = StringMember(resource, "kind");
    const bool usable = !name.empty() && !kind.plural.empty() &&
                        kind.plural.find('/') == std::string::npos && CanBeRead(resource);
    if (usable) {
      kinds.emplace(name, std::move(kind));
    }
  }
  return kinds;
}

StatusOr<ResourceKind> Discovery::FindKind(std::string_view api_version, std::string_view kind,
                                           const std::stop_token& stop) {
  const std::string version_name(api_version);
  const std::string kind_name(kind);
  enum class Known { kNo, kYes, kAskedLately };
  ResourceKind found;
  Status failure;
  const SteadyTime now = clock_.SteadyNow();
  const Known known = versions_.With([&](std::map<std::string, Version>& versions) {
    const auto version = versions.find(version_name);
    if (version == versions.end()) {
      return Known::kNo;
    }
    const auto entry = version->second.kinds.find(kind_name);
    if (entry != version->second.kinds.end()) {
      found = entry->second;
      return Known::kYes;
    }
    failure = version->second.failure;
    return now - version->second.asked < kRefreshInterval ? Known::kAskedLately : Known::kNo;
  });
  if (known == Known::kYes) {
    return found;
  }
  if (known == Known::kAskedLately) {
    RETURN_IF_ERROR(failure);
    return NotFound("the API server serves no kind {} in {}", kind, api_version);
  }
  return Refresh(version_name, kind_name, stop);
}

StatusOr<ResourceKind> Discovery::Refresh(const std::string& api_version, const std::string& kind,
                                          const std::stop_token& stop) {
  Version version;
  RequestOptions options;
  options.stop = stop;
  const StatusOr<Response> answer = client_.Get(GroupVersionPath(api_version), options);
  if (answer.status().code() == StatusCode::kCancelled) {
    return answer.status();
  }
  version.failure = answer.status();
  if (answer.ok()) {
    StatusOr<std::map<std::string, ResourceKind>> kinds = ParseResourceList(answer->body);
    version.failure = kinds.status();
    if (kinds.ok()) {
      version.kinds = *std::move(kinds);
    }
  }
  version.asked = clock_.SteadyNow();
  const auto entry = version.kinds.find(kind);
  StatusOr<ResourceKind> found =
      NotFound("the API server serves no kind {} in {}", kind, api_version);
  if (!version.failure.ok()) {
    found = Annotate(version.failure, fmt::format("discover {}", api_version));
  } else if (entry != version.kinds.end()) {
    found = entry->second;
  }
  versions_.With([&](std::map<std::string, Version>& versions) {
    if (versions.size() >= kMostVersions) {
      versions.clear();
    }
    Version& kept = versions[api_version];
    // A server that cannot be asked now has not stopped serving what it served.
    if (!version.failure.ok() && version.failure.code() != StatusCode::kNotFound) {
      version.kinds = std::move(kept.kinds);
    }
    kept = std::move(version);
  });
  return found;
}

StatusOr<ObjectMetadata> Discovery::GetObjectMetadata(const ObjectReference& reference,
                                                      const std::stop_token& stop) {
  ASSIGN_OR_RETURN(const ResourceKind kind, FindKind(reference.api_version, reference.kind, stop));
  std::string path = GroupVersionPath(reference.api_version);
  if (kind.namespaced) {
    path += "/namespaces/" + PercentEncode(reference.name_space);
  }
  path += fmt::format("/{}/{}", PercentEncode(kind.plural), PercentEncode(reference.name));
  RequestOptions options;
  options.accept = kAccept;
  options.stop = stop;
  ASSIGN_OR_RETURN(const Response answer, client_.Get(path, options));
  return ParseObjectMetadata(answer.body);
}

}  // namespace network_mapper::kube
