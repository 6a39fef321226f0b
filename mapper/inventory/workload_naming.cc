#include "mapper/inventory/workload_naming.h"

#include <algorithm>
#include <charconv>
#include <chrono>

namespace network_mapper {

namespace {

constexpr std::string_view kDeploymentHashLabel = "pod-template-hash";
constexpr std::string_view kRolloutHashLabel = "rollouts-pod-template-hash";
// A CronJob's pods are created soon after the minute in their Job's name; retries (backoffLimit)
// and a late start (startingDeadlineSeconds) may follow.
constexpr std::chrono::hours kJobNameWindow{24};

std::string_view WithoutSuffix(std::string_view text, std::string_view suffix) {
  bool has = text.size() > suffix.size() + 1 && text.ends_with(suffix) &&
             text[text.size() - suffix.size() - 1] == '-';
  return has ? text.substr(0, text.size() - suffix.size() - 1) : std::string_view();
}

std::string_view NameOfImage(std::string_view image) {
  size_t slash = image.find('/');
  if (slash == std::string_view::npos) {
    return image;
  }
  image.remove_prefix(slash + 1);
  return image.substr(0, image.find_first_of(":@"));
}

std::optional<OwnerReference> LikelyCronJob(const OwnerReference& job, Time pod_created) {
  size_t dash = job.name.rfind('-');
  if (dash == std::string::npos || dash == 0) {
    return std::nullopt;
  }
  std::string_view digits = std::string_view(job.name).substr(dash + 1);
  int64_t minutes = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), minutes);
  if (error != std::errc() || end != digits.data() + digits.size() || minutes < 0 ||
      minutes > 1'000'000'000) {
    return std::nullopt;
  }
  auto made = std::chrono::minutes(minutes);
  auto created = std::chrono::duration_cast<std::chrono::minutes>(pod_created.time_since_epoch());
  if (created < made - std::chrono::minutes(1) || created > made + kJobNameWindow) {
    return std::nullopt;
  }
  return OwnerReference{{"batch", "v1", "CronJob"}, job.name.substr(0, dash), std::nullopt};
}

}  // namespace

GroupVersionKind ParseGroupVersionKind(std::string_view api_version, std::string_view kind) {
  size_t slash = api_version.find('/');
  bool core = slash == std::string_view::npos;
  return {.group = std::string(core ? std::string_view() : api_version.substr(0, slash)),
          .version = std::string(core ? api_version : api_version.substr(slash + 1)),
          .kind = std::string(kind)};
}

std::string NameOnTheWire(std::string_view owner_name) {
  std::string name(owner_name);
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

std::string StaticPodName(std::string_view pod_name, std::string_view node_name) {
  std::string_view cut =
      node_name.empty() ? std::string_view() : WithoutSuffix(pod_name, node_name);
  return std::string(cut.empty() ? pod_name : cut);
}

std::string NameOfImages(const std::vector<ContainerImage>& images) {
  std::string name;
  for (const ContainerImage& image : images) {
    if (image.container == "istio-proxy" || image.container.find("sidecar") != std::string::npos) {
      continue;
    }
    if (!name.empty()) {
      name += '-';
    }
    name += NameOfImage(image.image);
  }
  return name;
}

std::optional<OwnerReference> LikelyOwner(const OwnerReference& unreadable,
                                          const Labels& pod_labels, Time pod_created) {
  if (unreadable.kind.kind == "Job" && unreadable.kind.group == "batch") {
    return LikelyCronJob(unreadable, pod_created);
  }
  if (unreadable.kind.kind != "ReplicaSet" || unreadable.kind.group != "apps") {
    return std::nullopt;
  }
  if (const std::string* hash = FindLabel(pod_labels, kRolloutHashLabel)) {
    std::string_view name = WithoutSuffix(unreadable.name, *hash);
    if (!name.empty()) {
      return OwnerReference{
          {"argoproj.io", "v1alpha1", "Rollout"}, std::string(name), std::nullopt};
    }
  }
  if (const std::string* hash = FindLabel(pod_labels, kDeploymentHashLabel)) {
    std::string_view name = WithoutSuffix(unreadable.name, *hash);
    if (!name.empty()) {
      return OwnerReference{{"apps", "v1", "Deployment"}, std::string(name), std::nullopt};
    }
  }
  return std::nullopt;
}

const std::string* FindLabel(const Labels& labels, std::string_view key) {
  auto found =
      std::lower_bound(labels.begin(), labels.end(), key,
                       [](const auto& label, std::string_view k) { return label.first < k; });
  return found != labels.end() && found->first == key ? &found->second : nullptr;
}

}  // namespace network_mapper
