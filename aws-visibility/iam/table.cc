#include "aws-visibility/iam/table.h"

#include <algorithm>
#include <cstring>

namespace network_mapper::aws {
namespace {

// The row of `name` among sorted lines.
std::string_view FindLine(std::string_view lines, std::string_view name) {
  // No name has a tab, and it would lead on into the line.
  if (name.find('\t') != std::string_view::npos) {
    return {};
  }
  while (!lines.empty()) {
    // The library's own search from behind looks at each byte by itself.
    const void* const before = memrchr(lines.data(), '\n', lines.size() / 2);
    const size_t start =
        before == nullptr
            ? 0
            : static_cast<size_t>(static_cast<const char*>(before) - lines.data()) + 1;
    // With the tab behind it, which is less than any letter.
    const std::string_view found = lines.substr(start, name.size() + 1);
    const int order = found.substr(0, name.size()).compare(name);
    const size_t end = lines.find('\n', start);
    if (order == 0 && found.size() > name.size() && found.back() == '\t') {
      return lines.substr(start, end - start);
    }
    lines = order < 0 ? lines.substr(end + 1) : lines.substr(0, start);
  }
  return {};
}

}  // namespace

std::optional<Method> MethodOf(std::string_view name) {
  constexpr std::array<std::string_view, kMethods> kNames = {"DELETE", "GET",  "HEAD",
                                                             "PATCH",  "POST", "PUT"};
  const auto* const found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) {
    return std::nullopt;
  }
  return static_cast<Method>(found - kNames.begin());
}

std::span<const NamedService> Find(std::span<const NamedService> index, std::string_view name) {
  struct ByName {
    bool operator()(const NamedService& a, std::string_view b) const { return a.name < b; }

    bool operator()(std::string_view a, const NamedService& b) const { return a < b.name; }
  };

  const auto [first, last] = std::equal_range(index.begin(), index.end(), name, ByName());
  return {first, last};
}

const ServiceRow* ServiceNamed(std::string_view name) {
  const std::span<const ServiceRow> rows = ServiceRows();
  const auto found = std::lower_bound(
      rows.begin(), rows.end(), name,
      [](const ServiceRow& row, std::string_view wanted) { return row.name < wanted; });
  return found != rows.end() && found->name == name ? &*found : nullptr;
}

std::optional<OperationRow> FindOperation(const ServiceRow& service, std::string_view name) {
  std::string_view line = FindLine(service.operations, name);
  if (line.empty()) {
    return std::nullopt;
  }
  OperationRow row;
  row.service = &service;
  row.name = TakePiece(line, '\t');
  row.flags = TakePiece(line, '\t');
  row.fields = TakePiece(line, '\t');
  row.grants = line;
  return row;
}

}  // namespace network_mapper::aws
