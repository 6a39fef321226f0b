// One log that is being read: what its lines amounted to since the last report, and the position
// after them. Both change together, so that a report and its position never disagree. Filled by the
// log's reading thread, emptied by the report loop.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
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
  // When the last line, and the last line with an audit text, was written.
  std::optional<Time> last_line;
  std::optional<Time> last_audit_line;
};

// Who writes the log: the server of its observations.
struct BrokerName {
  std::string pod;
  std::string name_space;
};

// Since the last harvest.
struct Harvest {
  // In the order of client, topic, operation, allowed.
  std::vector<Observation> observations;
  // Absent when nothing was read since the watcher's start.
  std::optional<LogPosition> position;
};

// A line without its end; any bytes are fine.
struct LogLine {
  std::string_view text;
  Time written_at;
};

// Thread-safe. A reader hands over many lines at once, so that the lock costs nothing a line.
class WatchedLog {
 public:
  // At most so many different accesses (client, topic, operation, allowed) are kept between two
  // harvests, each with a topic of at most 249 bytes: 8 MiB. Beyond that the reader has to wait.
  static constexpr size_t kMostAccesses = 20'000;
  // At most so many lines at once: they fit when nothing else is kept.
  static constexpr size_t kMostLines = 500;

  // `most_accesses` instead of kMostAccesses, at least kMostLines: for who keeps harvests in little
  // room.
  explicit WatchedLog(BrokerName broker, size_t most_accesses = kMostAccesses);

  // Takes the lines, at most kMostLines, and moves on to `position`, which is after all of them: in
  // one step for whoever harvests. False when there is no room for them: nothing has changed then;
  // try the same again after the next harvest.
  [[nodiscard]] bool TakeLines(std::span<const LogLine> lines, const LogPosition& position);
  // Where the reading begins, or goes on after bytes that are no lines for TakeLines.
  void MoveTo(const LogPosition& position);
  void CountOverlong();
  void CountGap();

  // One observation for each access, with how often and when it was seen. The position stays.
  Harvest Take();
  LineCounts Counts() const;

  const BrokerName& Broker() const { return broker_; }

 private:
  struct Access {
    IpAddress client;
    std::string topic;
    KafkaOperation operation;
    bool allowed;

    TopicAccess View() const { return {client, topic, operation, allowed}; }
  };

  // Looks accesses up by their views, without a copy of the topic.
  struct AccessHash {
    using is_transparent = void;

    size_t operator()(const TopicAccess& access) const;

    size_t operator()(const Access& access) const { return operator()(access.View()); }
  };

  struct SameAccess {
    using is_transparent = void;

    bool operator()(const Access& a, const Access& b) const { return a.View() == b.View(); }

    bool operator()(const Access& a, const TopicAccess& b) const { return a.View() == b; }

    bool operator()(const TopicAccess& a, const Access& b) const { return a == b.View(); }
  };

  struct Tally {
    Time first_seen;
    Time last_seen;
    uint64_t count = 0;
  };

  using Accesses = std::unordered_map<Access, Tally, AccessHash, SameAccess>;

  struct State {
    Accesses accesses;
    std::optional<LogPosition> position;
    LineCounts counts;
  };

  struct ParsedLines;

  static ParsedLines Parse(std::span<const LogLine> lines);
  bool Add(Accesses& accesses, const ParsedLines& parsed) const;

  const BrokerName broker_;
  const size_t most_accesses_;
  Guarded<State> state_;
};

}  // namespace network_mapper::kafka
