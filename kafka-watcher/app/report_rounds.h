// The Kafka watcher's loop. A round takes what the logs amount to, saves it together with the
// positions after it, and only then sends it; the next round begins once the mapper has
// acknowledged it. So whenever the process ends, what was saved is sent again under the same
// numbers, which the mapper drops if it has it, and what was not saved is read again. While the
// mapper is away, logs are read up to their bound and wait.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "common/concurrency/guarded.h"
#include "common/report/report_client.h"
#include "common/status/status.h"
#include "common/time/clock.h"
#include "kafka-watcher/app/line_tally.h"
#include "kafka-watcher/app/saved_state.h"
#include "kafka-watcher/app/state_store.h"
#include "kafka-watcher/log/log_source.h"

namespace network_mapper::kafka {

struct RoundOptions {
  std::chrono::nanoseconds interval = std::chrono::seconds(10);
  std::chrono::nanoseconds shutdown_grace = std::chrono::seconds(10);
  std::chrono::nanoseconds silence_notice = std::chrono::minutes(5);
  // A log with so many accesses may have more that wait: the next round comes soon.
  size_t crowded = WatchedLog::kMostAccesses / 2;
  // What a round may report without a store, in saved form.
  size_t most_bytes = size_t{16} << 20U;
};

class ReportRounds {
 public:
  struct Dependencies {
    LogSource& source;
    // Null: nothing outlives the process.
    StateStore* store = nullptr;
    // Resumes from `last`.
    ReportClient& client;
    SavedState last;
    // Whether `last` was saved by an earlier life.
    bool resumed = false;
    const Clock& clock;
    MetricsRegistry& metrics;
  };

  ReportRounds(RoundOptions options, Dependencies dependencies);

  // Until stop is requested; then a last round within the grace. Errors: another watcher uses the
  // state, or the state is not the newest.
  Status Run(const std::stop_token& stop);

  // Thread-safe. When the loop was last seen alive.
  SteadyTime Heartbeat() const;
  // Thread-safe. OK unless the last attempt to save failed.
  Status StateHealth() const;

 private:
  // The process must go on waiting until then, unless it is to stop.
  struct Patience {
    std::stop_token stop;
    SteadyTime deadline;
  };

  // True: more is waiting to be reported.
  StatusOr<bool> Round(const Patience& patience);
  // False when patience ended first.
  StatusOr<bool> AwaitAcknowledgement(const Patience& patience);
  StatusOr<bool> Save(const SavedState& state, const Patience& patience);
  // A state without batches, once they are acknowledged.
  Status Settle(const Patience& patience);
  // Takes harvests when none is left of the last ones; forgets positions of logs that are gone.
  void TakeHarvests();
  // As many of the harvests as a state may hold, at least one; moves the positions on. Returns
  // their observations.
  std::vector<Observation> NextObservations();
  SavedState StateWith(NumberedBatches batches) const;
  void LookAtLogs();
  void WarnOfSilence(const std::vector<LogState>& logs, Time now);
  // False when patience ended first.
  bool Wait(std::chrono::nanoseconds duration, const Patience& patience);

  RoundOptions options_;
  Dependencies dependencies_;
  WatcherMetrics metrics_;
  LineTally tally_;
  std::deque<Harvest> harvests_;
  bool crowded_ = false;
  // By LogKey, as they are after the last batches.
  std::map<std::string, LogPosition> positions_;
  // Of the life before, whose logs did not show up yet; until when they are waited for.
  std::set<std::string> unclaimed_;
  SteadyTime unclaimed_until_;
  // Made, and to be saved before anything else is: what was saved is never made anew.
  std::optional<SavedState> unsaved_;
  // What is in the store.
  std::vector<LogPosition> saved_positions_;
  bool saved_batches_ = false;
  // What the mapper was told last, and what it is to be told.
  CollectorTotals reported_;
  CollectorTotals totals_;
  // By the log's name: when its silence was last logged.
  std::map<std::string, SteadyTime> warned_;
  std::atomic<SteadyTime::rep> heartbeat_{0};
  Guarded<Status> state_health_;
};

}  // namespace network_mapper::kafka
