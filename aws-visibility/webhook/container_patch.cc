#include "aws-visibility/webhook/container_patch.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "common/kube/object_name.h"

namespace network_mapper::aws {

namespace {

struct Variable {
  const char* name;
  const char* file;
  Trust least;
};

// The first two concern AWS alone, or add to what is trusted. The others take the place of what the
// whole container trusts. Who reads which: docs/aws-visibility.md.
constexpr std::array<Variable, 4> kVariables{
    Variable{"AWS_CA_BUNDLE", "bundle.pem", Trust::kDefault},
    Variable{"NODE_EXTRA_CA_CERTS", "ca.crt", Trust::kDefault},
    Variable{"REQUESTS_CA_BUNDLE", "bundle.pem", Trust::kAll},
    Variable{"SSL_CERT_FILE", "bundle.pem", Trust::kAll},
};
constexpr const char* kJavaVariable = "JAVA_TOOL_OPTIONS";
constexpr std::string_view kJavaOption = "-Djavax.net.ssl.trustStore=";
constexpr std::string_view kJavaTrustStore =
    "-Djavax.net.ssl.trustStore=/var/run/otterize/aws-visibility/truststore.jks";

// Mount points below which ours is, as they are in an image whose /var/run is a link to /run, too.
constexpr std::array<std::string_view, 6> kParents{
    "/", "/var", "/var/run", "/var/run/otterize", "/run", "/run/otterize"};
constexpr std::array<std::string_view, 2> kOurPaths{kMountPath, "/run/otterize/aws-visibility"};
// Volumes that nobody can make a folder in.
constexpr std::array<const char*, 5> kReadOnlyVolumes{"configMap", "secret", "projected",
                                                      "downwardAPI", "image"};

template <typename List>
bool Contains(const List& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

std::string FileInMount(const char* file) {
  return fmt::format("{}/{}", kMountPath, file);
}

std::string_view WithoutTrailingSlash(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) {
    path.remove_suffix(1);
  }
  return path;
}

// For a warning: a name that is none might forge a line.
std::string NameOf(const Json& container) {
  const std::string_view name = TextOf(container, "name");
  return kube::IsLabelName(name) ? std::string(name) : std::string("?");
}

class PodVolumes {
 public:
  static StatusOr<PodVolumes> Read(const Json& spec, const std::string& ours) {
    PodVolumes volumes;
    ASSIGN_OR_RETURN(const std::vector<const Json*> all, ObjectsOf(spec, "volumes"));
    volumes.there_ = Has(spec, "volumes");
    for (const Json* volume : all) {
      const std::string_view name = TextOf(*volume, "name");
      if (name == ours) {
        const Json* source = ObjectOf(*volume, "configMap");
        if (source == nullptr || TextOf(*source, "name") != ours) {
          return FailedPrecondition("it has another volume with the name {}", ours);
        }
        volumes.has_ours_ = true;
      }
      if (std::any_of(kReadOnlyVolumes.begin(), kReadOnlyVolumes.end(),
                      [volume](const char* kind) { return Has(*volume, kind); })) {
        volumes.read_only_.emplace(name);
      }
    }
    return volumes;
  }

  bool IsReadOnly(std::string_view name) const { return read_only_.count(std::string(name)) > 0; }

  bool HasOurs() const { return has_ours_; }

  // Whether the pod has any list of volumes.
  bool AreThere() const { return there_; }

 private:
  std::set<std::string> read_only_;
  bool has_ours_ = false;
  bool there_ = false;
};

// Whether the container has our mount already; an error when it cannot have it.
StatusOr<bool> IsMounted(const Json& container, const std::string& volume,
                         const PodVolumes& volumes) {
  ASSIGN_OR_RETURN(const std::vector<const Json*> mounts, ObjectsOf(container, "volumeMounts"));
  bool mounted = false;
  for (const Json* mount : mounts) {
    const std::string_view path = WithoutTrailingSlash(TextOf(*mount, "mountPath"));
    const std::string_view source = TextOf(*mount, "name");
    if (Contains(kOurPaths, path)) {
      if (source != volume) {
        return FailedPrecondition("container {} mounts something else at {}", NameOf(container),
                                  kMountPath);
      }
      mounted = true;
    } else if (Contains(kParents, path) &&
               (IsTrue(*mount, "readOnly") || volumes.IsReadOnly(source))) {
      // The runtime would fail to make our mount point there, and the pod never start.
      return FailedPrecondition("container {} has a read-only mount that {} would be in",
                                NameOf(container), kMountPath);
    }
  }
  return mounted;
}

// Variables of one container.
class ContainerVariables {
 public:
  ContainerVariables(const Json& container, std::vector<const Json*> own)
      : container_(container), own_(std::move(own)) {}

  void Patch(const std::string& path, Trust trust, JsonPatch& patch,
             std::vector<std::string>& warnings) {
    std::vector<Json> added;
    for (const Variable& variable : kVariables) {
      const std::string file = FileInMount(variable.file);
      if (trust < variable.least) {
        continue;
      }
      const Json* own = Find(variable.name);
      if (own == nullptr) {
        added.push_back({{"name", variable.name}, {"value", file}});
      } else if (TextOf(*own, "value") != file) {
        warnings.push_back(
            fmt::format("AWS visibility: container {} sets {} itself: it has to trust {} there",
                        NameOf(container_), variable.name, FileInMount("ca.crt")));
      }
    }
    if (trust == Trust::kAll) {
      PatchJava(path, patch, added, warnings);
    }
    patch.Append(path + "/env", Has(container_, "env"), std::move(added));
  }

 private:
  // The last one of a name counts.
  const Json* Find(std::string_view name) const {
    const auto found = std::find_if(own_.rbegin(), own_.rend(), [name](const Json* variable) {
      return TextOf(*variable, "name") == name;
    });
    return found == own_.rend() ? nullptr : *found;
  }

  void PatchJava(const std::string& path, JsonPatch& patch, std::vector<Json>& added,
                 std::vector<std::string>& warnings) const {
    const Json* own = Find(kJavaVariable);
    if (own == nullptr) {
      added.push_back({{"name", kJavaVariable}, {"value", kJavaTrustStore}});
      return;
    }
    const std::string_view value = TextOf(*own, "value");
    if (value.find(kJavaTrustStore) != std::string_view::npos) {
      return;
    }
    if (Has(*own, "valueFrom") || value.find(kJavaOption) != std::string_view::npos) {
      warnings.push_back(fmt::format(
          "AWS visibility: container {} has a {} that cannot be extended: its JVM has to trust {}",
          NameOf(container_), kJavaVariable, FileInMount("ca.crt")));
      return;
    }
    const auto index = std::find(own_.begin(), own_.end(), own) - own_.begin();
    const std::string separator = value.empty() ? "" : " ";
    // "add", for a variable without a value.
    patch.Add(fmt::format("{}/env/{}/value", path, index),
              fmt::format("{}{}{}", value, separator, kJavaTrustStore));
  }

  const Json& container_;
  std::vector<const Json*> own_;
};

Status PatchContainer(const Json& container, const std::string& path, const std::string& config_map,
                      const PodVolumes& volumes, Trust trust, JsonPatch& patch,
                      std::vector<std::string>& warnings) {
  ASSIGN_OR_RETURN(const bool mounted, IsMounted(container, config_map, volumes));
  if (!mounted) {
    patch.Append(path + "/volumeMounts", Has(container, "volumeMounts"),
                 {{{"name", config_map}, {"mountPath", kMountPath}, {"readOnly", true}}});
  }
  ASSIGN_OR_RETURN(std::vector<const Json*> own, ObjectsOf(container, "env"));
  ContainerVariables(container, std::move(own)).Patch(path, trust, patch, warnings);
  return OkStatus();
}

}  // namespace

Status PatchContainers(const Json& spec, const std::string& config_map, Trust trust,
                       JsonPatch& patch, std::vector<std::string>& warnings) {
  ASSIGN_OR_RETURN(const PodVolumes volumes, PodVolumes::Read(spec, config_map));
  for (const char* list : {"initContainers", "containers"}) {
    ASSIGN_OR_RETURN(const std::vector<const Json*> containers, ObjectsOf(spec, list));
    for (size_t i = 0; i < containers.size(); ++i) {
      RETURN_IF_ERROR(PatchContainer(*containers[i], fmt::format("/spec/{}/{}", list, i),
                                     config_map, volumes, trust, patch, warnings));
    }
  }
  if (!volumes.HasOurs()) {
    patch.Append("/spec/volumes", volumes.AreThere(),
                 {{{"name", config_map}, {"configMap", {{"name", config_map}}}}});
  }
  return OkStatus();
}

}  // namespace network_mapper::aws
