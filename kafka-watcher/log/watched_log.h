// One log that is being read: what its lines amounted to since the last report, and the position
// after them. Both change together, so that a report and its position never disagree. Filled by the
// log's reading thread, emptied by the report loop.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/concurrency/guarded.h"
#include "common/observation/observation.h"
#include "common/time/clock.h"
#include "kafka-watcher/authorizer/authorizer_line.h"
#include "kafka-watcher/log/log_position.h"

namespace network_mapper::kafka {

// Totals of one log since the watcher's start.
struct LineCounts {
  uint64_t lines = 0;
  uint64_t accesses = 0;
  // By LineRefusal.
  std::array<uint64_t, kAllLineRefusals.size()> refused{};
  // Not read to their end, since they are too long.
  uint64_t overlong = 0;
  // Times at which lines may have been lost (the log was rotated away, the container's log is
  // gone).
  uint64_t gaps = 0;
};

// Who writes the log: the server of its observations.
struct BrokerName {
  std::string pod;
  std::string name_space;
};

// Since the last harvest.
struct Harvest {
  std::vector<Observation> observations;
  // Absent when nothing was read since the watcher's start.
  std::optional<LogPosition> position;
};

// Thread-safe.
class WatchedLog {
 public:
  // At most so many different accesses (client, topic, operation, allowed) are kept between two
  // harvests; beyond that the reader has to wait.
  static constexpr size_t kMostAccesses = 20'000;

  explicit WatchedLog(BrokerName broker);

  // Takes a line, without its end, which was written at `at`. False when there is no room: nothing
  // has changed then; try again after the next harvest.
  bool TakeLine(std::string_view line, Time at);
  // Everything taken so far is before `position`. Lines and position are moved on in one step, by
  // TakeLines-like batches under one lock, where speed asks for it.
  void MoveTo(LogPosition position);
  void CountOverlong();
  void CountGap();

  // One observation for each access, with how often and when it was seen.
  Harvest Take();
  LineCounts Counts() const;
  const BrokerName& Broker() const;
};

}  // namespace network_mapper::kafka
