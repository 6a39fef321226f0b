// One object as the stand-in keeps it: serialised once, so that lists and watches only copy bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/status/status.h"
#include "tests/support/kube_stand_in/resource_types.h"

namespace network_mapper::stand_in {

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct StoredObject {
  std::string name;
  // Empty for cluster-scoped objects.
  std::string name_space;
  uint64_t resource_version = 0;
  // The members of metadata without resourceVersion: `"name":"a","namespace":"b"`.
  std::string metadata;
  // All members but apiVersion, kind and metadata: `"spec":{},"status":{}`; may be empty.
  std::string rest;
  Pairs labels;
  // What field selectors can ask for, and metadata.uid and metadata.creationTimestamp.
  Pairs fields;
};

using StoredObjectPtr = std::shared_ptr<const StoredObject>;

// The value of a key, or empty.
std::string_view ValueOf(const Pairs& pairs, std::string_view key);

struct PreparedObject {
  std::string api_version;
  std::string kind;
  // metadata.resourceVersion as the writer gave it.
  std::optional<std::string> expected_version;
  StoredObject object;
};

// From the JSON of one object with apiVersion, kind and metadata.name.
StatusOr<PreparedObject> PrepareObject(std::string_view json);

// With kind and apiVersion, as a GET answers and a watch event carries.
void AppendObject(const ResourceType& type, const StoredObject& object, std::string& out);
// As an item of a list.
void AppendListItem(const ResourceType& type, const StoredObject& object, std::string& out);
// As PartialObjectMetadata.
void AppendMetadataOnly(const StoredObject& object, std::string& out);

// A label or field selector: "a=b,c!=d,e,!f,g in (h,i),j notin (k)".
class Selector {
 public:
  static StatusOr<Selector> Parse(std::string_view text);

  bool Matches(const Pairs& pairs) const;

 private:
  enum class Operator : uint8_t { kIn, kNotIn, kExists, kAbsent };

  struct Term {
    std::string key;
    Operator test = Operator::kExists;
    std::vector<std::string> values;
  };

  static std::optional<Term> ParseTerm(std::string_view text);

  std::vector<Term> terms_;
};

}  // namespace network_mapper::stand_in
