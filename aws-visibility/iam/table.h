// The table of AWS operations: read-only data that scripts/generate-aws-table made (table/*.cc),
// and how to look things up in it. Texts are lines that are read where they lie, so that there is
// nothing to build at start.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace network_mapper::aws {

enum class Method : uint8_t { kDelete, kGet, kHead, kPatch, kPost, kPut };
inline constexpr size_t kMethods = 6;
std::optional<Method> MethodOf(std::string_view name);

struct ServiceRow {
  // botocore's name, IAM's prefix, what signatures name, what X-Amz-Target starts with.
  std::string_view name;
  std::string_view prefix;
  std::string_view signing_name;
  std::string_view target_prefix;
  std::string_view version;
  // Whether requests may be forms with Action and Version.
  bool speaks_query;
  // By Method, for services with URI templates, the best match first. A line is
  //   Operation template condition...
  // In a template {} stands for a segment and {+} for the rest. Conditions: "?key" and "?key=value"
  // must be in the query and are part of the template, "&key" is a member that is in the query,
  // "#header" one that is in a header.
  std::array<std::string_view, kMethods> routes;
  // Sorted by name. A line is, with tabs between,
  //   Operation flags fields grant...
  // Flags: n needs no permission, u IAM has no such action. Fields, with spaces between, have the
  // letters a, b, ..., z, A, ...: u1 label of the template, qname in the query, hname in a header
  // (a last * stands for the rest of the name), bpath in the body, rpath in the answer's body,
  // Hname in a header of the answer, swhat of S3, mkind:letter what the memory knows for a field, p
  // path. bpath~name: what a form calls it. A "!" before a name or path: a text that the operation
  // does not do without. A grant: "action,... resource|... condition&..."; "=" is prefix:Operation,
  // ":Name" of the own prefix; resources as in grants.h; "> kind path" is no grant but what to
  // remember of the answer.
  std::string_view operations;
};

struct NamedService {
  std::string_view name;
  uint16_t service;
};

struct RegionStart {
  // "us-gov-"
  std::string_view start;
  std::string_view partition;
};

struct PartitionSuffix {
  // "amazonaws.com"
  std::string_view suffix;
  std::string_view partition;
};

// The data. Sorted by name; several services may share one.
std::span<const ServiceRow> ServiceRows();
std::span<const NamedService> ServicesByTarget();
std::span<const NamedService> ServicesBySigningName();
std::span<const NamedService> ServicesByRegionalLabel();
std::span<const NamedService> ServicesByGlobalLabel();
// Labels that have another label before them: "ddb".
std::span<const std::string_view> LabelledEndpoints();
// Longer ones first.
std::span<const RegionStart> RegionStarts();
std::span<const PartitionSuffix> PartitionSuffixes();

// Those of `name`, which may be none.
std::span<const NamedService> Find(std::span<const NamedService> index, std::string_view name);
const ServiceRow* ServiceNamed(std::string_view name);

struct OperationRow {
  const ServiceRow* service = nullptr;
  std::string_view name;
  std::string_view flags;
  std::string_view fields;
  // Grants, with tabs between.
  std::string_view grants;

  bool NeedsNothing() const { return flags == "n"; }

  bool HasNoAction() const { return flags == "u"; }
};

std::optional<OperationRow> FindOperation(const ServiceRow& service, std::string_view name);

// Takes the next piece of `text` up to `separator`, and the separator.
inline std::string_view TakePiece(std::string_view& text, char separator) {
  const size_t end = text.find(separator);
  const std::string_view piece = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return piece;
}

}  // namespace network_mapper::aws
