// Hands the lines of one log over to its WatchedLog, and waits where that has no room. Used by the
// log's reading thread alone.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stop_token>
#include <vector>

#include "kafka-watcher/log/watched_log.h"

namespace network_mapper::kafka {

// Tells waiting readers that there is room again. Thread-safe.
class HarvestSignal {
 public:
  uint64_t Harvests() const;
  void Notify();
  // Returns after the harvest that follows the first `harvests`; false when stop was requested.
  bool WaitBeyond(uint64_t harvests, const std::stop_token& stop);

 private:
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  uint64_t harvests_ = 0;
};

class LineFeed {
 public:
  // Both must outlive this.
  LineFeed(WatchedLog& log, HarvestSignal& harvested) : log_(log), harvested_(harvested) {}

  // The text must stay valid until the next Flush.
  void Add(LogLine line) { lines_.push_back(line); }

  void AddOverlong() { ++overlong_; }

  bool IsFull() const { return lines_.size() >= WatchedLog::kMostLines; }

  bool Empty() const { return lines_.empty() && overlong_ == 0; }

  // What was added is before `position`. False when stop was requested: nothing was handed over.
  bool Flush(const LogPosition& position, const std::stop_token& stop);

 private:
  WatchedLog& log_;
  HarvestSignal& harvested_;
  std::vector<LogLine> lines_;
  uint64_t overlong_ = 0;
};

}  // namespace network_mapper::kafka
