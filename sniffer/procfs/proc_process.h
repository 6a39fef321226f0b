// Parsers of per-process files: /proc/<pid>/cgroup for the pod's UID, /proc/<pid>/stat for the
// start time, fd and fdinfo for its open files. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/observation/pod_uid.h"

namespace network_mapper::sniffer {

// The UID of the pod that a process belongs to, from the first line whose path has a kubelet pod
// part: "pod<uid>" of the cgroupfs driver or "...-pod<uid with underscores>.slice" of the systemd
// driver, at any depth, under any root, cgroup v1, v2 or hybrid. Of nested pods the outermost
// counts: it is the one that this node's kubelet started. Absent: not a pod's process.
std::optional<PodUid> PodUidFromCgroup(std::string_view cgroup_file);

// Field 22 of /proc/<pid>/stat: start of the process in clock ticks (USER_HZ) since boot. The
// process's name may contain spaces and parentheses.
std::optional<uint64_t> StartTicksFromStat(std::string_view stat_file);

// The number in a link target such as "socket:[123]", whose prefix is "socket".
std::optional<uint64_t> InodeFromLinkTarget(std::string_view target, std::string_view prefix);

// Which file stands behind a descriptor: the mount that it is on and its inode there.
struct OpenFile {
  uint64_t mount_id = 0;
  uint64_t inode = 0;
};

// The lines "mnt_id:" and "ino:" of /proc/<pid>/fdinfo/<n> (proc(5)). Absent where one is missing:
// "ino:" is there since Linux 5.14.
std::optional<OpenFile> OpenFileFromFdinfo(std::string_view fdinfo_file);

}  // namespace network_mapper::sniffer
