// The resource types that the stand-in serves: the built-in ones that a mapper reads, and custom
// ones that it learns from the objects it is given. Not a full Kubernetes type system.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace network_mapper::stand_in {

struct ResourceType {
  // Empty for the core group.
  std::string group;
  std::string version;
  std::string plural;
  std::string kind;
  bool namespaced = true;
  // Items of a list of built-in objects carry no kind and apiVersion; those of custom ones do.
  bool built_in = true;

  // "v1", "apps/v1".
  std::string ApiVersion() const;
};

class ResourceCatalog {
 public:
  ResourceCatalog();

  const std::vector<ResourceType>& All() const { return types_; }

  // The index into All().
  std::optional<size_t> ByPath(std::string_view group, std::string_view version,
                               std::string_view plural) const;
  std::optional<size_t> ByKind(std::string_view api_version, std::string_view kind) const;
  // As ByKind; an unknown kind becomes a custom resource type.
  size_t Learn(std::string_view api_version, std::string_view kind, bool namespaced);

 private:
  std::vector<ResourceType> types_;
};

}  // namespace network_mapper::stand_in
