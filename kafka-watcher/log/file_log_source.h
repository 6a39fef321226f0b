// A log in a file that a broker on this host, or in a shared volume, writes. Follows rotation by
// renaming (to the end of the old file, then the new one from its start) and by truncation in
// place. Lines carry no time that can be trusted, so that each counts as written when it was read.
//
// After a restart the file is found by its inode, under its own name or a name that begins with it
// (kafka-authorizer.log.2026-11-26-04); the rest of it is read, then the files rotated since in the
// order of their last change, then the current one. Without a saved position reading begins at the
// file's end. What may be missing is counted as a gap: a file that was truncated before its end was
// read, or one that is gone. A file that was truncated and has grown beyond the saved place again
// is recognised where no line begins at that place.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "common/status/status.h"
#include "common/time/clock.h"
#include "kafka-watcher/log/log_source.h"

namespace network_mapper::kafka {

struct FileLogOptions {
  // Absolute. May be missing for a while.
  std::string path;
  // Who writes it.
  BrokerName broker;
  // What the log may hold between two harvests.
  size_t most_accesses = WatchedLog::kMostAccesses;
  // How often the file is looked at.
  std::chrono::milliseconds interval{250};
};

// Errors: a path that is not absolute or is no regular file (a directory, a FIFO), a broker without
// name or namespace. Positions of other logs are ignored. `clock` must outlive the source.
StatusOr<std::unique_ptr<LogSource>> MakeFileLogSource(FileLogOptions options,
                                                       const std::vector<LogPosition>& saved,
                                                       const Clock& clock = Clock::System());

}  // namespace network_mapper::kafka
