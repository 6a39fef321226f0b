#include "kafka-watcher/log/pod_facts.h"

#include <nlohmann/json.hpp>

#include "common/time/time_text.h"

namespace network_mapper::kafka {

namespace {

using nlohmann::json;

constexpr std::string_view kDefaultContainer = "kubectl.kubernetes.io/default-container";

const json& MemberOf(const json& object, std::string_view key) {
  static const json nothing;
  if (!object.is_object()) {
    return nothing;
  }
  const auto found = object.find(std::string(key));
  return found == object.end() ? nothing : *found;
}

std::string TextOf(const json& object, std::string_view key) {
  const json& member = MemberOf(object, key);
  return member.is_string() ? member.get<std::string>() : std::string();
}

const json* ByName(const json& containers, std::string_view name) {
  if (containers.is_array()) {
    for (const json& container : containers) {
      if (!name.empty() && TextOf(container, "name") == name) {
        return &container;
      }
    }
  }
  return nullptr;
}

const json* ChooseContainer(const json& pod) {
  const json& containers = MemberOf(MemberOf(pod, "spec"), "containers");
  const json& annotations = MemberOf(MemberOf(pod, "metadata"), "annotations");
  if (const json* named = ByName(containers, TextOf(annotations, kDefaultContainer))) {
    return named;
  }
  if (const json* kafka = ByName(containers, "kafka")) {
    return kafka;
  }
  return containers.is_array() && !containers.empty() ? &containers.front() : nullptr;
}

}  // namespace

StatusOr<PodFacts> ParsePodFacts(std::string_view text) {
  const json pod = json::parse(text, nullptr, false);
  const json& metadata = MemberOf(pod, "metadata");
  PodFacts facts;
  facts.name_space = TextOf(metadata, "namespace");
  facts.name = TextOf(metadata, "name");
  facts.uid = TextOf(metadata, "uid");
  facts.created = ParseRfc3339(TextOf(metadata, "creationTimestamp"));
  if (const json* container = ChooseContainer(pod)) {
    facts.container = TextOf(*container, "name");
    facts.image = TextOf(*container, "image");
  }
  if (facts.name_space.empty() || facts.name.empty() || facts.uid.empty() ||
      facts.container.empty()) {
    return InvalidArgument("no pod with namespace, name, UID and a container");
  }
  const json& statuses = MemberOf(MemberOf(pod, "status"), "containerStatuses");
  if (const json* status = ByName(statuses, facts.container)) {
    const json& restarts = MemberOf(*status, "restartCount");
    facts.restart_count = restarts.is_number_integer() ? restarts.get<int64_t>() : 0;
    facts.running = MemberOf(MemberOf(*status, "state"), "running").is_object();
  }
  return facts;
}

}  // namespace network_mapper::kafka
