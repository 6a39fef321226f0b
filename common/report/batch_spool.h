// The memory of the report client: encoded batches from their making to their acknowledgement,
// within bounds. A batch gets its sequence number when it is sent for the first time, or brings it
// along; from then on it is neither altered nor dropped. So numbers leave the client without gaps
// although the bound may make unsent batches go. Not thread-safe; no I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "common/observation/observation.h"
#include "common/report/collector_totals.h"

namespace network_mapper {

// What one batch may hold.
struct BatchLimits {
  size_t observations = 1'000;
  size_t bytes = size_t{64} * 1024;
};

// Observations in wire form: the repeated field `observations` of a Batch message.
struct EncodedBatch {
  std::string payload;
  size_t observations = 0;
};

// Whether a batch that was kept outside of this process is what EncodeBatches has made.
bool IsWhole(const EncodedBatch& batch);

// Batches with rising numbers without a gap, which nothing alters any more: they can be saved
// before they are sent.
struct NumberedBatches {
  // Of the first batch.
  uint64_t first_sequence = 1;
  std::vector<EncodedBatch> batches;

  // The number after those of the batches.
  uint64_t NextSequence() const { return first_sequence + batches.size(); }
};

// A ReportRequest message in two pieces, to be written one after the other.
struct BatchFrame {
  std::string head;
  std::string payload;
  bool resent = false;
};

struct EncodeOutcome {
  std::vector<EncodedBatch> batches;
  // Not encoded: the wire form cannot carry them.
  uint64_t invalid = 0;
  // Not encoded: one alone is over the limit.
  uint64_t oversize = 0;
};

// Batches of at most `limits` in the order given. `limits.bytes` includes the batch's head.
EncodeOutcome EncodeBatches(const std::vector<Observation>& observations,
                            const BatchLimits& limits);

class BatchSpool {
 public:
  struct Bounds {
    size_t bytes = 0;
    size_t observations = 0;
  };

  struct Acknowledged {
    uint64_t batches = 0;
    uint64_t observations = 0;
  };

  // Holds nothing.
  BatchSpool() = default;

  explicit BatchSpool(Bounds bounds) : bounds_(bounds) {}

  // Returns how many observations had to go, oldest unsent batches first, to keep the bounds.
  uint64_t Add(EncodedBatch batch);
  // Keeps all of them, whatever the bounds. There must be no batch without a number. False, and
  // nothing changes, unless they follow the last number that was given; in an empty spool that was
  // never used, any number may be the first.
  bool Add(NumberedBatches numbered);

  // Starts over with a new connection: every batch after `applied_sequence` is to be sent (again).
  Acknowledged Restart(uint64_t applied_sequence);
  // Cuts batches without a number that are over `limits`; drops others that are, since they can
  // neither be sent nor altered, and single observations that are. Returns how many were dropped.
  uint64_t Conform(const BatchLimits& limits);

  // The next batch of this connection; absent when there is none or `window` batches are out.
  std::optional<BatchFrame> NextToSend(size_t window, const CollectorTotals& totals);
  // Everything up to `sequence`. A number that was never given acknowledges nothing.
  Acknowledged Acknowledge(uint64_t sequence);

  size_t Batches() const { return entries_.size(); }

  // Without a number.
  size_t UnsentBatches() const { return entries_.size() - numbered_; }

  size_t Observations() const { return observations_; }

  size_t Bytes() const { return bytes_; }

  uint64_t LastSequence() const { return last_sequence_; }

  // Ordinal of the last batch that was added, counting from 1.
  uint64_t LastAdded() const { return last_added_; }

  // Whether no batch up to this ordinal is left.
  bool IsDone(uint64_t ordinal) const {
    return entries_.empty() || entries_.front().ordinal > ordinal;
  }

 private:
  struct Entry {
    EncodedBatch batch;
    // Empty until the batch is sent for the first time.
    std::string head;
    // 0 until it is given.
    uint64_t sequence = 0;
    uint64_t ordinal = 0;
  };

  static size_t Cost(const Entry& entry);
  void Insert(const std::deque<Entry>::iterator& position, Entry entry);
  void Erase(const std::deque<Entry>::iterator& position);

  Bounds bounds_;
  std::deque<Entry> entries_;
  // Entries at the front that have a number; of these, how many went out on this connection.
  size_t numbered_ = 0;
  size_t sent_ = 0;
  size_t observations_ = 0;
  size_t bytes_ = 0;
  uint64_t last_sequence_ = 0;
  uint64_t last_added_ = 0;
};

}  // namespace network_mapper
