#include "kafka-watcher/app/report_rounds.h"

#include <algorithm>
#include <condition_variable>
#include <iterator>
#include <mutex>
#include <utility>

#include "common/log/log.h"
#include "kafka-watcher/app/silent_logs.h"

namespace network_mapper::kafka {

namespace {

using std::chrono::milliseconds;

// When more waits.
constexpr milliseconds kSoon{100};
constexpr milliseconds kFirstPosition{500};
constexpr milliseconds kLook{200};
constexpr milliseconds kShortLook{10};
constexpr milliseconds kFirstSaveRetry{500};
constexpr milliseconds kLongestSaveRetry{15'000};
constexpr std::chrono::hours kWarnAgain{1};
// For pods that were deleted while no watcher was there: nobody tells of them any more.
constexpr std::chrono::hours kUnclaimed{24};
constexpr size_t kMostUnclaimed = 256;
// Of a state: everything but batches and positions, and what stands around a batch.
constexpr size_t kStateOverhead = size_t{8} << 10U;

}  // namespace

ReportRounds::ReportRounds(RoundOptions options, Dependencies dependencies)
    : options_(options),
      dependencies_(std::move(dependencies)),
      metrics_(dependencies_.metrics),
      tally_(dependencies_.last.lines_read, dependencies_.last.lines_refused),
      unclaimed_until_(dependencies_.clock.SteadyNow() + kUnclaimed),
      saved_positions_(dependencies_.last.positions),
      saved_batches_(!dependencies_.last.batches.batches.empty()) {
  for (const LogPosition& position : saved_positions_) {
    if (unclaimed_.size() < kMostUnclaimed) {
      unclaimed_.insert(LogKey(position));
    }
    positions_.insert_or_assign(LogKey(position), position);
  }
  reported_.log_lines_read = tally_.LinesRead();
  reported_.log_lines_refused = tally_.LinesRefused();
}

SteadyTime ReportRounds::Heartbeat() const {
  return SteadyTime(SteadyTime::duration(heartbeat_.load()));
}

Status ReportRounds::StateHealth() const {
  return state_health_.With([](const Status& status) { return status; });
}

Status ReportRounds::Run(const std::stop_token& stop) {
  const Patience patient{.stop = stop, .deadline = SteadyTime::max()};
  while (!stop.stop_requested()) {
    ASSIGN_OR_RETURN(const bool more, Round(patient));
    std::chrono::nanoseconds pause = options_.interval;
    if (more) {
      pause = std::min<std::chrono::nanoseconds>(pause, kSoon);
    } else if (dependencies_.store != nullptr && saved_positions_.empty()) {
      // Only from its saved position on nothing of a log is missed.
      pause = std::min<std::chrono::nanoseconds>(pause, kFirstPosition);
    }
    if (dependencies_.store != nullptr) {
      pause = std::max<std::chrono::nanoseconds>(pause, dependencies_.store->Rest());
    }
    Wait(pause, patient);
  }
  const Patience last{.stop = {},
                      .deadline = dependencies_.clock.SteadyNow() + options_.shutdown_grace};
  bool more = true;
  while (more && dependencies_.clock.SteadyNow() < last.deadline) {
    ASSIGN_OR_RETURN(more, Round(last));
  }
  return Settle(last);
}

StatusOr<bool> ReportRounds::Round(const Patience& patience) {
  ASSIGN_OR_RETURN(const bool acknowledged, AwaitAcknowledgement(patience));
  LookAtLogs();
  if (!acknowledged) {
    return false;
  }
  const bool left_over = unsaved_.has_value();
  if (!left_over) {
    TakeHarvests();
    const std::vector<Observation> observations = NextObservations();
    if (observations.empty() && totals_ == reported_) {
      RETURN_IF_ERROR(Settle(patience));
      return false;
    }
    unsaved_ = StateWith(dependencies_.client.Prepare(observations));
  }
  ASSIGN_OR_RETURN(const bool saved, Save(*unsaved_, patience));
  if (!saved) {
    return false;
  }
  for (const EncodedBatch& batch : unsaved_->batches.batches) {
    metrics_.reported_topics.Increment(static_cast<double>(batch.observations));
  }
  RETURN_IF_ERROR(dependencies_.client.Submit(std::move(unsaved_->batches), totals_));
  unsaved_.reset();
  reported_ = totals_;
  return left_over || !harvests_.empty() || crowded_;
}

StatusOr<bool> ReportRounds::AwaitAcknowledgement(const Patience& patience) {
  const Clock& clock = dependencies_.clock;
  bool acknowledged = false;
  while (true) {
    heartbeat_ = clock.SteadyNow().time_since_epoch().count();
    acknowledged =
        dependencies_.client.Flush(std::min(patience.deadline, clock.SteadyNow() + kLook));
    const ReportClientState client = dependencies_.client.State();
    // Before that, numbers might be given that the mapper has taken already from an earlier life.
    if (acknowledged && dependencies_.resumed && !client.welcomed) {
      acknowledged = false;
      Wait(kShortLook, patience);
    }
    if (const uint64_t unknown = client.unknown_sequence; unknown > 0) {
      return FailedPrecondition(
          "the mapper has taken batch {} of this watcher, of which the saved state knows nothing: "
          "it is not the newest one (from a backup?), and going on from it would report lines "
          "again; delete it to begin at the present end of the logs",
          unknown);
    }
    if (acknowledged || patience.stop.stop_requested() || clock.SteadyNow() >= patience.deadline) {
      return acknowledged;
    }
    LookAtLogs();
  }
}

void ReportRounds::TakeHarvests() {
  if (!harvests_.empty()) {
    return;
  }
  crowded_ = false;
  std::set<std::string> present;
  for (Harvest& harvest : dependencies_.source.Take()) {
    if (!harvest.position) {
      continue;
    }
    crowded_ = crowded_ || harvest.observations.size() >= options_.crowded;
    present.insert(LogKey(*harvest.position));
    harvests_.push_back(std::move(harvest));
  }
  for (const std::string& key : present) {
    unclaimed_.erase(key);
  }
  if (dependencies_.clock.SteadyNow() >= unclaimed_until_) {
    unclaimed_.clear();
  }
  std::erase_if(positions_, [&](const auto& entry) {
    return !present.contains(entry.first) && !unclaimed_.contains(entry.first);
  });
}

std::vector<Observation> ReportRounds::NextObservations() {
  const size_t most =
      dependencies_.store == nullptr ? options_.most_bytes : dependencies_.store->MostBytes();
  size_t bytes = kStateOverhead;
  for (const auto& [key, position] : positions_) {
    bytes += SavedSize(position);
  }
  std::vector<Observation> observations;
  while (!harvests_.empty()) {
    Harvest& harvest = harvests_.front();
    size_t size = SavedSize(*harvest.position);
    for (const Observation& observation : harvest.observations) {
      size += SavedSize(observation);
    }
    if (!observations.empty() && !harvest.observations.empty() && bytes + size > most) {
      break;
    }
    bytes += size;
    std::move(harvest.observations.begin(), harvest.observations.end(),
              std::back_inserter(observations));
    positions_.insert_or_assign(LogKey(*harvest.position), *std::move(harvest.position));
    harvests_.pop_front();
  }
  return observations;
}

SavedState ReportRounds::StateWith(NumberedBatches batches) const {
  SavedState state{.instance_id = dependencies_.last.instance_id,
                   .batches = std::move(batches),
                   .positions = {},
                   .lines_read = totals_.log_lines_read,
                   .lines_refused = totals_.log_lines_refused};
  for (const auto& [key, position] : positions_) {
    state.positions.push_back(position);
  }
  return state;
}

StatusOr<bool> ReportRounds::Save(const SavedState& state, const Patience& patience) {
  if (dependencies_.store == nullptr) {
    return true;
  }
  milliseconds pause = kFirstSaveRetry;
  while (true) {
    heartbeat_ = dependencies_.clock.SteadyNow().time_since_epoch().count();
    const Status outcome = dependencies_.store->Save(state);
    const bool was_ok = state_health_.With(
        [&outcome](Status& health) { return std::exchange(health, outcome).ok(); });
    if (outcome.ok()) {
      if (!was_ok) {
        LogInfo("the state can be saved again", {});
      }
      metrics_.saves.Increment();
      saved_positions_ = state.positions;
      saved_batches_ = !state.batches.batches.empty();
      return true;
    }
    metrics_.failed_saves.Increment();
    if (outcome.code() == StatusCode::kAborted) {
      return outcome;
    }
    if (was_ok) {
      LogError("the state cannot be saved",
               {{"error", outcome}, {"effect", "nothing is reported, the logs wait"}});
    }
    if (!Wait(pause, patience)) {
      return false;
    }
    pause = std::min(pause * 2, kLongestSaveRetry);
  }
}

Status ReportRounds::Settle(const Patience& patience) {
  ASSIGN_OR_RETURN(const bool acknowledged, AwaitAcknowledgement(patience));
  SavedState state = StateWith({});
  if (!acknowledged || unsaved_ || (!saved_batches_ && state.positions == saved_positions_)) {
    return OkStatus();
  }
  // Where lines were read that told of nothing; where harvests wait, the positions are those
  // before.
  state.batches.first_sequence = dependencies_.client.Prepare({}).first_sequence;
  return Save(state, patience).status();
}

void ReportRounds::LookAtLogs() {
  const std::vector<LogState> logs = dependencies_.source.States();
  const Time now = dependencies_.clock.Now();
  tally_.Add(logs, metrics_);
  totals_.log_lines_read = tally_.LinesRead();
  totals_.log_lines_refused = tally_.LinesRefused();
  totals_.notices = dependencies_.source.Problems();
  const std::vector<std::string> silence = SilenceNotices(logs, options_.silence_notice, now);
  totals_.notices.insert(totals_.notices.end(), silence.begin(), silence.end());
  totals_.notices.resize(std::min(totals_.notices.size(), kMostNotices));
  WarnOfSilence(logs, now);
}

void ReportRounds::WarnOfSilence(const std::vector<LogState>& logs, Time now) {
  const SteadyTime steady_now = dependencies_.clock.SteadyNow();
  std::map<std::string, SteadyTime> silent;
  for (const LogState& log : logs) {
    if (!IsSilent(log, options_.silence_notice, now)) {
      continue;
    }
    auto known = warned_.find(log.name);
    if (known != warned_.end() && steady_now - known->second < kWarnAgain) {
      silent.insert(*known);
      continue;
    }
    silent.emplace(log.name, steady_now);
    LogWarn("a log has no line of Kafka's authorizer",
            {{"log", log.name},
             {"image", log.image},
             {"lines", log.counts.lines},
             {"remedy", LoggingAdvice(DistributionOf(log.image))}});
  }
  warned_ = std::move(silent);
  metrics_.silent_logs.Set(static_cast<double>(warned_.size()));
}

bool ReportRounds::Wait(std::chrono::nanoseconds duration, const Patience& patience) {
  const SteadyTime now = std::chrono::steady_clock::now();
  const SteadyTime until =
      std::min(now + std::chrono::duration_cast<SteadyTime::duration>(duration), patience.deadline);
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_until(lock, patience.stop, until, [] { return false; });
  return !patience.stop.stop_requested() && std::chrono::steady_clock::now() < patience.deadline;
}

}  // namespace network_mapper::kafka
