// What a Kafka watcher saves before it sends anything, so that the next life goes on without a gap
// and without a repeat: who it is for the mapper, the batches that are about to be sent, and where
// the reading of each log has got to once they are applied. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/report/batch_spool.h"
#include "common/status/status.h"
#include "kafka-watcher/log/log_position.h"

namespace network_mapper::kafka {

struct SavedState {
  // Of the report stream; sequence numbers count within it.
  std::string instance_id;
  // None: all that were numbered are applied.
  NumberedBatches batches;
  std::vector<LogPosition> positions;
  // Totals of the instance, which its next life goes on from.
  uint64_t lines_read = 0;
  uint64_t lines_refused = 0;
};

// More batches or positions are no state that a watcher has written.
inline constexpr size_t kMostSavedBatches = 100'000;
inline constexpr size_t kMostSavedPositions = 10'000;

// JSON, with a version. How much longer it is than its payloads: they are in Base64.
std::string EncodeState(const SavedState& state);

// Errors say what is wrong and what to do: nothing is ever taken for an empty state.
// FailedPrecondition: a newer program wrote it; DataLoss: it is damaged, or no state at all.
StatusOr<SavedState> DecodeState(std::string_view text);

// The same for all positions of one log.
std::string LogKey(const LogPosition& position);

// What an observation takes in a saved batch, and a position, at most; in bytes.
size_t SavedSize(const Observation& observation);
size_t SavedSize(const LogPosition& position);

}  // namespace network_mapper::kafka
