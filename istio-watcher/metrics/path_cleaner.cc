#include "istio-watcher/metrics/path_cleaner.h"

#include <algorithm>

#include "common/text/utf8.h"

namespace network_mapper::istio {

namespace {

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

bool IsHexDigit(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// 8-4-4-4-12 hexadecimal digits.
bool IsUuid(std::string_view word) {
  if (word.size() != 36) {
    return false;
  }
  for (size_t i = 0; i < word.size(); ++i) {
    const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (is_dash ? word[i] != '-' : !IsHexDigit(word[i])) {
      return false;
    }
  }
  return true;
}

bool IsId(std::string_view word) {
  constexpr size_t kShortestHexId = 16;
  if (word.empty()) {
    return false;
  }
  if (std::all_of(word.begin(), word.end(), IsDigit)) {
    return true;
  }
  return IsUuid(word) ||
         (word.size() >= kShortestHexId && std::all_of(word.begin(), word.end(), IsHexDigit));
}

}  // namespace

std::variant<std::string_view, ResourceRefusal> CleanPath(std::string_view path, size_t max_bytes) {
  path = path.substr(0, path.find('?'));
  if (path == "unknown") {
    return std::string_view();
  }
  if (path.size() > max_bytes) {
    return ResourceRefusal::kPathTooLong;
  }
  if (!IsUtf8(path)) {
    return ResourceRefusal::kPathNotUtf8;
  }
  if (HasControlCharacter(path)) {
    return ResourceRefusal::kControlCharacter;
  }
  return path;
}

std::string_view FoldIds(std::string_view path, std::string& scratch) {
  scratch.clear();
  bool is_folded = false;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view word = path.substr(begin, end - begin);
    const bool is_id = IsId(word);
    is_folded = is_folded || is_id;
    scratch += is_id ? "{id}" : word;
    if (end < path.size()) {
      scratch += '/';
    }
    begin = end + 1;
  }
  return is_folded ? std::string_view(scratch) : path;
}

}  // namespace network_mapper::istio
