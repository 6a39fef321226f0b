#include "sniffer/procfs/proc_process.h"

#include <algorithm>
#include <charconv>

namespace network_mapper::sniffer {

namespace {

bool IsHexDigit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

// `text` begins behind "pod".
std::optional<PodUid> UidAtStart(std::string_view text) {
  constexpr size_t kPlainLength = 32;
  constexpr size_t kSeparatedLength = 36;
  constexpr size_t kFirstSeparator = 8;
  if (text.size() < kPlainLength) {
    return std::nullopt;
  }
  bool separated = text[kFirstSeparator] == '-' || text[kFirstSeparator] == '_';
  size_t length = separated ? kSeparatedLength : kPlainLength;
  if (text.size() < length) {
    return std::nullopt;
  }
  if (text.size() > length && text[length] != '/' && text[length] != '.' && text[length] != ':') {
    return std::nullopt;
  }
  for (char c : text.substr(0, length)) {
    if (!IsHexDigit(c) && c != '-' && c != '_') {
      return std::nullopt;
    }
  }
  return PodUid::Parse(text.substr(0, length));
}

std::optional<PodUid> UidInPath(std::string_view path) {
  constexpr std::string_view kPod = "pod";
  for (size_t at = path.find(kPod); at != std::string_view::npos; at = path.find(kPod, at + 1)) {
    // "/pod<uid>" or "-pod<uid>.slice"; this leaves out "kubepods" and podman's "libpod-<id>".
    if (at == 0 || (path[at - 1] != '/' && path[at - 1] != '-')) {
      continue;
    }
    if (std::optional<PodUid> uid = UidAtStart(path.substr(at + kPod.size()))) {
      return uid;
    }
  }
  return std::nullopt;
}

std::optional<uint64_t> ParseDecimal(std::string_view text) {
  uint64_t value = 0;
  const char* end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc() || stop != end) {
    return std::nullopt;
  }
  return value;
}

}  // namespace

std::optional<PodUid> PodUidFromCgroup(std::string_view cgroup_file) {
  while (!cgroup_file.empty()) {
    size_t newline = cgroup_file.find('\n');
    std::string_view line = cgroup_file.substr(0, newline);
    cgroup_file.remove_prefix(newline == std::string_view::npos ? cgroup_file.size() : newline + 1);
    // hierarchy-ID:controller-list:path
    size_t first = line.find(':');
    size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) {
      continue;
    }
    if (std::optional<PodUid> uid = UidInPath(line.substr(second + 1))) {
      return uid;
    }
  }
  return std::nullopt;
}

std::optional<uint64_t> StartTicksFromStat(std::string_view stat_file) {
  // "pid (name) state ppid ...": the name ends at the last parenthesis; state is field 3.
  size_t name_end = stat_file.rfind(')');
  if (name_end == std::string_view::npos) {
    return std::nullopt;
  }
  std::string_view rest = stat_file.substr(name_end + 1);
  constexpr int kFieldsBeforeStartTime = 19;
  for (int i = 0; i <= kFieldsBeforeStartTime; ++i) {
    size_t begin = rest.find_first_not_of(" \n");
    if (begin == std::string_view::npos) {
      return std::nullopt;
    }
    rest.remove_prefix(begin);
    size_t end = rest.find_first_of(" \n");
    if (i == kFieldsBeforeStartTime) {
      return ParseDecimal(rest.substr(0, end));
    }
    if (end == std::string_view::npos) {
      return std::nullopt;
    }
    rest.remove_prefix(end);
  }
  return std::nullopt;
}

std::optional<uint64_t> InodeFromLinkTarget(std::string_view target, std::string_view prefix) {
  if (!target.starts_with(prefix) || target.size() < prefix.size() + 3 ||
      target[prefix.size()] != ':' || target[prefix.size() + 1] != '[' || target.back() != ']') {
    return std::nullopt;
  }
  return ParseDecimal(target.substr(prefix.size() + 2, target.size() - prefix.size() - 3));
}

std::optional<OpenFile> OpenFileFromFdinfo(std::string_view fdinfo_file) {
  std::optional<uint64_t> mount_id;
  std::optional<uint64_t> inode;
  // What a kind of file adds of its own comes after these lines.
  while (!fdinfo_file.empty() && !(mount_id && inode)) {
    std::string_view line = fdinfo_file.substr(0, fdinfo_file.find('\n'));
    fdinfo_file.remove_prefix(std::min(line.size() + 1, fdinfo_file.size()));
    if (line.starts_with("mnt_id:\t")) {
      mount_id = ParseDecimal(line.substr(8));
    } else if (line.starts_with("ino:\t")) {
      inode = ParseDecimal(line.substr(5));
    }
  }
  if (!mount_id || !inode) {
    return std::nullopt;
  }
  return OpenFile{.mount_id = *mount_id, .inode = *inode};
}

}  // namespace network_mapper::sniffer
