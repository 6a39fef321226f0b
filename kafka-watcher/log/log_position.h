// Where the reading of one log has got to: what a restarted watcher goes on from without a gap and
// without a repeat. Part of the watcher's saved state, so the meaning of a field never changes.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

namespace network_mapper::kafka {

// A container's log by the Kubernetes log API, which knows times and no offsets.
struct PodLogPosition {
  std::string name_space;
  std::string pod;
  std::string pod_uid;
  std::string container;
  // status.containerStatuses[].restartCount of the container whose log this is.
  int64_t restart_count = 0;
  // The time stamp of the last line that was read, in nanoseconds since the Unix epoch, and how
  // many of the lines with just that time stamp were read.
  int64_t last_line_at = 0;
  uint64_t lines_at_that_time = 0;

  friend bool operator==(const PodLogPosition&, const PodLogPosition&) = default;
};

// A file, known by device and inode since rotation renames it.
struct FileLogPosition {
  std::string path;
  uint64_t device = 0;
  uint64_t inode = 0;
  // Of the first byte that was not read, always the begin of a line.
  uint64_t offset = 0;
  // MarkBefore() that offset (log_files.h). 0: not known.
  uint64_t mark = 0;

  friend bool operator==(const FileLogPosition&, const FileLogPosition&) = default;
};

using LogPosition = std::variant<PodLogPosition, FileLogPosition>;

}  // namespace network_mapper::kafka
