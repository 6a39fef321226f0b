// ParseKubeconfig: the format of k8s.io/client-go/tools/clientcmd/api/v1.
#include <algorithm>
#include <exception>
#include <initializer_list>
#include <optional>

#include <yaml-cpp/yaml.h>

#include "common/kube/base64.h"
#include "common/kube/cluster_access.h"

namespace network_mapper::kube {

namespace {

constexpr size_t kLargestFile = size_t{4} << 20U;
constexpr size_t kMostEntries = 10'000;

// One entry of clusters, users or contexts, with the folder that its paths are relative to.
struct Entry {
  std::string name;
  YAML::Node body;
  std::filesystem::path file;
};

struct Merged {
  std::vector<Entry> clusters;
  std::vector<Entry> users;
  std::vector<Entry> contexts;
  std::string current_context;
};

// A null node when there is none: yaml-cpp throws on most uses of an absent one.
YAML::Node NodeOf(const YAML::Node& map, const char* key) {
  if (!map.IsMap()) {
    return {};
  }
  const YAML::Node value = map[key];
  return value.IsDefined() ? value : YAML::Node();
}

std::string Text(const YAML::Node& map, const char* key) {
  const YAML::Node value = NodeOf(map, key);
  return value.IsScalar() ? value.Scalar() : std::string();
}

bool Flag(const YAML::Node& map, const char* key) {
  return Text(map, key) == "true";
}

Status Collect(const YAML::Node& root, const KubeconfigFile& file,
               std::pair<const char*, const char*> keys, std::vector<Entry>& into) {
  const YAML::Node list = NodeOf(root, keys.first);
  if (list.IsNull()) {
    return OkStatus();
  }
  if (!list.IsSequence()) {
    return InvalidArgument("kubeconfig '{}': {} is no list", file.path.string(), keys.first);
  }
  if (list.size() + into.size() > kMostEntries) {
    return InvalidArgument("kubeconfig '{}': more than {} {}", file.path.string(), kMostEntries,
                           keys.first);
  }
  for (const YAML::Node& item : list) {
    const std::string name = Text(item, "name");
    const bool known = std::any_of(into.begin(), into.end(),
                                   [&name](const Entry& entry) { return entry.name == name; });
    if (!known) {
      into.push_back({name, NodeOf(item, keys.second), file.path});
    }
  }
  return OkStatus();
}

Status MergeFile(const KubeconfigFile& file, Merged& merged) {
  if (file.content.size() > kLargestFile) {
    return InvalidArgument("kubeconfig '{}' is longer than {} bytes", file.path.string(),
                           kLargestFile);
  }
  const YAML::Node root = YAML::Load(file.content);
  if (root.IsNull()) {
    return OkStatus();
  }
  if (!root.IsMap()) {
    return InvalidArgument("kubeconfig '{}' is no YAML map", file.path.string());
  }
  RETURN_IF_ERROR(Collect(root, file, {"clusters", "cluster"}, merged.clusters));
  RETURN_IF_ERROR(Collect(root, file, {"users", "user"}, merged.users));
  RETURN_IF_ERROR(Collect(root, file, {"contexts", "context"}, merged.contexts));
  if (merged.current_context.empty()) {
    merged.current_context = Text(root, "current-context");
  }
  return OkStatus();
}

StatusOr<Entry> Find(const std::vector<Entry>& entries, const char* what, const std::string& name) {
  for (const Entry& entry : entries) {
    if (entry.name == name) {
      return entry;
    }
  }
  std::vector<std::string> known;
  known.reserve(entries.size());
  for (const Entry& entry : entries) {
    known.push_back(entry.name);
  }
  return NotFound("kubeconfig has no {} named '{}', only: {}", what, name, fmt::join(known, ", "));
}

Status Unsupported(const Entry& entry, const char* what, std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    const YAML::Node value = NodeOf(entry.body, key);
    if (!value.IsNull() && !(value.IsScalar() && value.Scalar().empty())) {
      return InvalidArgument("kubeconfig '{}': {} '{}': {} is not supported", entry.file.string(),
                             what, entry.name, key);
    }
  }
  return OkStatus();
}

std::string Resolve(const Entry& entry, const std::string& path) {
  if (path.empty() || path.front() == '/') {
    return path;
  }
  return (entry.file.parent_path() / path).string();
}

StatusOr<PemSource> ReadPemSource(const Entry& entry, const std::string& key) {
  PemSource source;
  source.path = Resolve(entry, Text(entry.body, key.c_str()));
  const std::string data = Text(entry.body, (key + "-data").c_str());
  if (!data.empty()) {
    const std::optional<std::string> decoded = DecodeBase64(data);
    if (!decoded.has_value() || decoded->empty()) {
      return InvalidArgument("kubeconfig '{}': '{}': {}-data is no Base64", entry.file.string(),
                             entry.name, key);
    }
    source.pem = *decoded;
    source.path.clear();
  }
  return source;
}

std::vector<std::string> TextList(const YAML::Node& node) {
  std::vector<std::string> texts;
  if (node.IsSequence()) {
    for (const YAML::Node& item : node) {
      texts.push_back(item.IsScalar() ? item.Scalar() : std::string());
    }
  }
  return texts;
}

Status ReadCluster(const Entry& cluster, ClusterAccess& access) {
  RETURN_IF_ERROR(Unsupported(cluster, "cluster", {"proxy-url"}));
  ASSIGN_OR_RETURN(const ClusterAccess url, ServerUrlAccess(Text(cluster.body, "server")));
  access.server = url.server;
  access.tls_server_name = Text(cluster.body, "tls-server-name");
  access.insecure_skip_tls_verify = Flag(cluster.body, "insecure-skip-tls-verify");
  ASSIGN_OR_RETURN(access.certificate_authority, ReadPemSource(cluster, "certificate-authority"));
  return OkStatus();
}

Status ReadImpersonation(const Entry& user, ClusterAccess& access) {
  Impersonation who;
  who.user = Text(user.body, "as");
  who.uid = Text(user.body, "as-uid");
  who.groups = TextList(NodeOf(user.body, "as-groups"));
  const YAML::Node extra = NodeOf(user.body, "as-user-extra");
  if (extra.IsMap()) {
    for (const auto& item : extra) {
      who.extra[item.first.Scalar()] = TextList(item.second);
    }
  }
  const bool any = !who.uid.empty() || !who.groups.empty() || !who.extra.empty();
  if (who.user.empty()) {
    return any ? InvalidArgument(
                     "kubeconfig '{}': user '{}': as-uid, as-groups and as-user-extra "
                     "need as",
                     user.file.string(), user.name)
               : OkStatus();
  }
  access.impersonation = std::move(who);
  return OkStatus();
}

Status ReadExec(const Entry& user, ClusterAccess& access) {
  const YAML::Node node = NodeOf(user.body, "exec");
  if (node.IsNull()) {
    return OkStatus();
  }
  const std::string where =
      fmt::format("kubeconfig '{}': user '{}': exec", user.file.string(), user.name);
  ExecPlugin plugin;
  plugin.command = Text(node, "command");
  plugin.api_version = Text(node, "apiVersion");
  if (plugin.command.empty()) {
    return InvalidArgument("{}: command is missing", where);
  }
  if (plugin.api_version != "client.authentication.k8s.io/v1" &&
      plugin.api_version != "client.authentication.k8s.io/v1beta1") {
    return InvalidArgument("{}: apiVersion '{}' is not supported", where, plugin.api_version);
  }
  if (Text(node, "interactiveMode") == "Always") {
    return InvalidArgument("{}: interactiveMode Always is not supported", where);
  }
  if (plugin.command.find('/') != std::string::npos) {
    plugin.command = Resolve(user, plugin.command);
  }
  plugin.arguments = TextList(NodeOf(node, "args"));
  const YAML::Node variables = NodeOf(node, "env");
  if (variables.IsSequence()) {
    for (const YAML::Node& variable : variables) {
      plugin.environment.emplace_back(Text(variable, "name"), Text(variable, "value"));
    }
  }
  plugin.provide_cluster_info = Flag(node, "provideClusterInfo");
  plugin.install_hint = Text(node, "installHint");
  access.exec = std::move(plugin);
  return OkStatus();
}

Status ReadUser(const Entry& user, ClusterAccess& access) {
  RETURN_IF_ERROR(Unsupported(user, "user", {"auth-provider"}));
  ASSIGN_OR_RETURN(access.client_certificate, ReadPemSource(user, "client-certificate"));
  ASSIGN_OR_RETURN(access.client_key, ReadPemSource(user, "client-key"));
  if (access.client_certificate.Empty() != access.client_key.Empty()) {
    return InvalidArgument(
        "kubeconfig '{}': user '{}': client-certificate and client-key must come together",
        user.file.string(), user.name);
  }
  access.token = Text(user.body, "token");
  access.token_file = Resolve(user, Text(user.body, "tokenFile"));
  access.username = Text(user.body, "username");
  access.password = Text(user.body, "password");
  RETURN_IF_ERROR(ReadImpersonation(user, access));
  return ReadExec(user, access);
}

StatusOr<ClusterAccess> Choose(const Merged& merged, std::string_view context_name) {
  const std::string wanted =
      context_name.empty() ? merged.current_context : std::string(context_name);
  if (wanted.empty()) {
    return InvalidArgument("kubeconfig names no current-context, and no context was asked for");
  }
  ASSIGN_OR_RETURN(const Entry context, Find(merged.contexts, "context", wanted));
  ASSIGN_OR_RETURN(const Entry cluster,
                   Find(merged.clusters, "cluster", Text(context.body, "cluster")));
  ClusterAccess access;
  RETURN_IF_ERROR(ReadCluster(cluster, access));
  const std::string user_name = Text(context.body, "user");
  if (!user_name.empty()) {
    ASSIGN_OR_RETURN(const Entry user, Find(merged.users, "user", user_name));
    RETURN_IF_ERROR(ReadUser(user, access));
  }
  const std::string name_space = Text(context.body, "namespace");
  if (!name_space.empty()) {
    access.name_space = name_space;
  }
  return access;
}

}  // namespace

StatusOr<ClusterAccess> ParseKubeconfig(const std::vector<KubeconfigFile>& files,
                                        std::string_view context) {
  Merged merged;
  for (const KubeconfigFile& file : files) {
    try {
      RETURN_IF_ERROR(MergeFile(file, merged));
    } catch (const std::exception& error) {
      return InvalidArgument("kubeconfig '{}': {}", file.path.string(), error.what());
    }
  }
  try {
    return Choose(merged, context);
  } catch (const std::exception& error) {
    return InvalidArgument("kubeconfig: {}", error.what());
  }
}

}  // namespace network_mapper::kube
