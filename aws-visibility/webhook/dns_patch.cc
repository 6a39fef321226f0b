#include "aws-visibility/webhook/dns_patch.h"

#include <algorithm>
#include <utility>

namespace network_mapper::aws {

namespace {

// Kubernetes' validation (core/v1 PodDNSConfig).
constexpr size_t kMostNameservers = 3;
constexpr size_t kMostSearches = 32;
constexpr size_t kMostSearchBytes = 2048;

void AddOnce(std::vector<std::string>& list, std::string text) {
  if (std::find(list.begin(), list.end(), text) == list.end()) {
    list.push_back(std::move(text));
  }
}

size_t LengthOf(const std::vector<std::string>& searches) {
  size_t length = searches.empty() ? 0 : searches.size() - 1;
  for (const std::string& search : searches) {
    length += search.size();
  }
  return length;
}

// The pod's own options, without what else may stand there.
StatusOr<std::vector<Json>> OwnOptions(const Json& config, bool& has_ndots) {
  ASSIGN_OR_RETURN(const std::vector<const Json*> own, ObjectsOf(config, "options"));
  std::vector<Json> options;
  for (const Json* option : own) {
    const std::string_view name = TextOf(*option, "name");
    Json copy = {{"name", name}};
    if (Has(*option, "value")) {
      copy["value"] = TextOf(*option, "value");
    }
    has_ndots = has_ndots || name == "ndots";
    options.push_back(std::move(copy));
  }
  return options;
}

}  // namespace

Status PatchDns(const Json& spec, std::string_view name_space, const PatchPlan& plan,
                JsonPatch& patch, std::vector<std::string>& warnings) {
  const std::string_view policy = TextOf(spec, "dnsPolicy");
  if (policy == "None") {
    return FailedPrecondition("dnsPolicy None: it has DNS servers of its own");
  }
  const bool uses_cluster_dns = policy != "Default";
  const Json nothing = Json::object();
  const Json* own = ObjectOf(spec, "dnsConfig");
  const Json& config = own == nullptr ? nothing : *own;

  // Two servers that answer differently make the answer a matter of chance with some resolvers, but
  // who has a second one has it with or without us.
  std::vector<std::string> nameservers = plan.nameservers;
  ASSIGN_OR_RETURN(std::vector<std::string> own_nameservers, TextsOf(config, "nameservers"));
  for (std::string& nameserver : own_nameservers) {
    AddOnce(nameservers, std::move(nameserver));
  }
  nameservers.resize(std::min(nameservers.size(), kMostNameservers));

  std::vector<std::string> searches;
  if (uses_cluster_dns) {
    AddOnce(searches, fmt::format("{}.svc.{}", name_space, plan.cluster_domain));
    AddOnce(searches, fmt::format("svc.{}", plan.cluster_domain));
    AddOnce(searches, plan.cluster_domain);
  }
  for (const std::string& search : plan.node_searches) {
    AddOnce(searches, search);
  }
  ASSIGN_OR_RETURN(std::vector<std::string> own_searches, TextsOf(config, "searches"));
  for (std::string& search : own_searches) {
    AddOnce(searches, std::move(search));
  }
  if (searches.size() > kMostSearches || LengthOf(searches) > kMostSearchBytes) {
    return FailedPrecondition(
        "its DNS search domains and the cluster's are more than a pod may have");
  }

  bool has_ndots = false;
  ASSIGN_OR_RETURN(std::vector<Json> options, OwnOptions(config, has_ndots));
  if (uses_cluster_dns && !has_ndots) {
    options.push_back({{"name", "ndots"}, {"value", "5"}});
  }
  if (!uses_cluster_dns && plan.node_searches.empty()) {
    warnings.emplace_back(
        "AWS visibility: dnsPolicy Default: the node's own search domains and options are not "
        "kept");
  }

  Json patched = {{"nameservers", nameservers}};
  if (!searches.empty()) {
    patched["searches"] = searches;
  }
  if (!options.empty()) {
    patched["options"] = options;
  }
  patch.Add("/spec/dnsPolicy", "None");
  patch.Add("/spec/dnsConfig", std::move(patched));
  return OkStatus();
}

}  // namespace network_mapper::aws
