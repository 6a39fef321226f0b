#include "aws-visibility/iam/table.h"

#include <algorithm>

namespace network_mapper::aws {
namespace {

// The row of `name` among sorted lines.
std::string_view FindLine(std::string_view lines, std::string_view name) {
  while (!lines.empty()) {
    const size_t middle = lines.size() / 2;
    const size_t before = middle == 0 ? std::string_view::npos : lines.rfind('\n', middle - 1);
    const size_t start = before == std::string_view::npos ? 0 : before + 1;
    const size_t end = lines.find('\n', start);
    const std::string_view line = lines.substr(start, end - start);
    const std::string_view found = line.substr(0, line.find('\t'));
    if (found == name) {
      return line;
    }
    lines = found < name ? lines.substr(end + 1) : lines.substr(0, start);
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

std::string_view TakePiece(std::string_view& text, char separator) {
  const size_t end = text.find(separator);
  const std::string_view piece = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return piece;
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
