// Reads one growing file through its rotations, a step at a time; used by one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "common/status/status.h"
#include "common/time/clock.h"
#include "kafka-watcher/log/line_cutter.h"
#include "kafka-watcher/log/line_feed.h"
#include "kafka-watcher/log/log_files.h"
#include "kafka-watcher/log/log_position.h"
#include "kafka-watcher/log/watched_log.h"

namespace network_mapper::kafka {

class FileLogReader {
 public:
  // `log`, `harvested` and `clock` must outlive this.
  FileLogReader(std::string path, std::optional<FileLogPosition> saved, WatchedLog& log,
                HarvestSignal& harvested, const Clock& clock);

  // Reads what there is. Not OK: why nothing can be read now.
  Status Step(const std::stop_token& stop);

  // Bytes of the open file that were not read.
  uint64_t Behind() const;

 private:
  Status Begin();
  Status UseFromEnd(OpenFile file);
  void Use(OpenFile file, uint64_t offset);
  void StartOver();
  Status GoOnToNext(const FileLook& current, const std::stop_token& stop);
  // To the end of the open file.
  Status ReadToEnd(const std::stop_token& stop);
  bool TakeLine(const CutLine& line, Time now, const std::stop_token& stop);
  bool Flush(const std::stop_token& stop);
  void TakeRest(const std::stop_token& stop);
  LogPosition Position() const;

  const std::string path_;
  WatchedLog& log_;
  const Clock& clock_;
  std::optional<FileLogPosition> saved_;
  // Which lines are the watcher's is settled: a file that appears later is read from its start.
  bool begun_ = false;
  LineFeed feed_;
  LineCutter cutter_;
  std::vector<char> buffer_;

  std::optional<OpenFile> file_;
  // Of those that were read to their end.
  FileAge newest_ended_;
  // Of the first byte that is not in a line that was taken.
  uint64_t offset_ = 0;
  // Of the first byte that was not read from the file.
  uint64_t read_to_ = 0;
  uint64_t size_ = 0;
  // The path leads to another file since the last step; the writer has had a while to finish.
  bool rotated_ = false;
};

}  // namespace network_mapper::kafka
