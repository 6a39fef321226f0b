#include "common/report/batch_spool.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <google/protobuf/io/coded_stream.h>

#include "common/report/observation_codec.h"
#include "network_mapper/v1/report.pb.h"

namespace network_mapper {

namespace {

using google::protobuf::io::CodedInputStream;

// (field << 3) | 2: a length-delimited field.
constexpr char kObservationsTag = v1::Batch::kObservationsFieldNumber << 3 | 2;
constexpr char kBatchTag = v1::ReportRequest::kBatchFieldNumber << 3 | 2;

// Room for the sequence and the statistics: at most 11 and 3 + 6 * 11 + 19 bytes. Notices come on
// top: the mapper reads messages that are a little longer than a batch may be.
constexpr size_t kBatchHeadBytes = 112;
// What an entry costs beside its bytes: the deque's slot, the head and the allocator's rounding.
constexpr size_t kEntryOverhead = 192;

// Protobuf's base-128 encoding.
void AppendVarint(uint32_t value, std::string& text) {
  while (value >= 0x80) {
    text += static_cast<char>((value & 0x7FU) | 0x80U);
    value >>= 7U;
  }
  text += static_cast<char>(value);
}

size_t PayloadLimit(const BatchLimits& limits) {
  return limits.bytes > kBatchHeadBytes ? limits.bytes - kBatchHeadBytes : 0;
}

// Adds fields of `observations` to batches, starting a new one where the limits ask for it.
class BatchBuilder {
 public:
  explicit BatchBuilder(const BatchLimits& limits) : limits_(limits) {}

  // False: it is over the limit by itself.
  bool Add(std::string_view field) {
    if (field.size() > PayloadLimit(limits_) || limits_.observations == 0) {
      return false;
    }
    if (batches_.empty() || batches_.back().observations >= limits_.observations ||
        batches_.back().payload.size() + field.size() > PayloadLimit(limits_)) {
      batches_.emplace_back();
    }
    batches_.back().payload += field;
    ++batches_.back().observations;
    return true;
  }

  std::vector<EncodedBatch> Take() {
    for (EncodedBatch& batch : batches_) {
      batch.payload.shrink_to_fit();
    }
    return std::move(batches_);
  }

 private:
  BatchLimits limits_;
  std::vector<EncodedBatch> batches_;
};

// Cuts a payload, which EncodeBatches made, into its fields.
EncodeOutcome Split(const EncodedBatch& batch, const BatchLimits& limits) {
  BatchBuilder builder(limits);
  EncodeOutcome outcome;
  std::string_view rest = batch.payload;
  while (!rest.empty()) {
    std::array<uint8_t, 5> varint{};
    size_t available = std::min(varint.size(), rest.size() - 1);
    std::copy_n(rest.begin() + 1, available, varint.begin());
    CodedInputStream input(varint.data(), static_cast<int>(available));
    uint32_t length = 0;
    if (!input.ReadVarint32(&length)) {
      break;
    }
    size_t field_size = 1 + static_cast<size_t>(input.CurrentPosition()) + length;
    if (!builder.Add(rest.substr(0, field_size))) {
      ++outcome.oversize;
    }
    rest.remove_prefix(std::min(field_size, rest.size()));
  }
  outcome.batches = builder.Take();
  return outcome;
}

bool Exceeds(const EncodedBatch& batch, const BatchLimits& limits) {
  return batch.observations > limits.observations || batch.payload.size() > PayloadLimit(limits);
}

// Everything of the ReportRequest that stands before the observations.
std::string MakeHead(uint64_t sequence, const CollectorTotals& totals, size_t payload_size) {
  v1::Batch fields;
  fields.set_sequence(sequence);
  EncodeTotals(totals, *fields.mutable_statistics());
  std::string encoded = fields.SerializeAsString();
  std::string head(1, kBatchTag);
  AppendVarint(static_cast<uint32_t>(encoded.size() + payload_size), head);
  return head + encoded;
}

}  // namespace

EncodeOutcome EncodeBatches(const std::vector<Observation>& observations,
                            const BatchLimits& limits) {
  BatchBuilder builder(limits);
  EncodeOutcome outcome;
  v1::Observation message;
  std::string field;
  for (const Observation& observation : observations) {
    if (CheckObservation(observation)) {
      ++outcome.invalid;
      continue;
    }
    message.Clear();
    EncodeObservation(observation, message);
    field.assign(1, kObservationsTag);
    AppendVarint(static_cast<uint32_t>(message.ByteSizeLong()), field);
    message.AppendToString(&field);
    if (!builder.Add(field)) {
      ++outcome.oversize;
    }
  }
  outcome.batches = builder.Take();
  return outcome;
}

bool IsWhole(const EncodedBatch& batch) {
  v1::Batch fields;
  return fields.ParseFromString(batch.payload) && fields.sequence() == 0 &&
         !fields.has_statistics() &&
         static_cast<size_t>(fields.observations_size()) == batch.observations;
}

size_t BatchSpool::Cost(const Entry& entry) {
  return entry.batch.payload.size() + kEntryOverhead;
}

void BatchSpool::Insert(const std::deque<Entry>::iterator& position, Entry entry) {
  observations_ += entry.batch.observations;
  bytes_ += Cost(entry);
  entries_.insert(position, std::move(entry));
}

void BatchSpool::Erase(const std::deque<Entry>::iterator& position) {
  observations_ -= position->batch.observations;
  bytes_ -= Cost(*position);
  entries_.erase(position);
}

uint64_t BatchSpool::Add(EncodedBatch batch) {
  Entry entry;
  entry.batch = std::move(batch);
  entry.ordinal = ++last_added_;
  Insert(entries_.end(), std::move(entry));
  uint64_t dropped = 0;
  while ((bytes_ > bounds_.bytes || observations_ > bounds_.observations) && UnsentBatches() > 0) {
    auto oldest_unsent = entries_.begin() + static_cast<std::ptrdiff_t>(numbered_);
    dropped += oldest_unsent->batch.observations;
    Erase(oldest_unsent);
  }
  return dropped;
}

bool BatchSpool::Add(NumberedBatches numbered) {
  const bool is_first = last_sequence_ == 0 && entries_.empty() && numbered.first_sequence > 0;
  const bool follows = numbered.first_sequence == last_sequence_ + 1;
  if (UnsentBatches() > 0 || !(is_first || follows)) {
    return false;
  }
  last_sequence_ = numbered.first_sequence - 1;
  for (EncodedBatch& batch : numbered.batches) {
    Entry entry;
    entry.batch = std::move(batch);
    entry.sequence = ++last_sequence_;
    entry.ordinal = ++last_added_;
    Insert(entries_.end(), std::move(entry));
    ++numbered_;
  }
  return true;
}

BatchSpool::Acknowledged BatchSpool::Restart(uint64_t applied_sequence) {
  sent_ = numbered_;
  Acknowledged acknowledged = Acknowledge(applied_sequence);
  sent_ = 0;
  return acknowledged;
}

uint64_t BatchSpool::Conform(const BatchLimits& limits) {
  uint64_t dropped = 0;
  for (size_t i = 0; i < entries_.size();) {
    auto position = entries_.begin() + static_cast<std::ptrdiff_t>(i);
    if (!Exceeds(position->batch, limits)) {
      ++i;
      continue;
    }
    if (i < numbered_) {
      dropped += position->batch.observations;
      Erase(position);
      --numbered_;
      continue;
    }
    Entry whole = *position;
    Erase(position);
    EncodeOutcome parts = Split(whole.batch, limits);
    dropped += parts.oversize;
    for (EncodedBatch& part : parts.batches) {
      Entry entry;
      entry.batch = std::move(part);
      entry.ordinal = whole.ordinal;
      Insert(entries_.begin() + static_cast<std::ptrdiff_t>(i), std::move(entry));
      ++i;
    }
  }
  return dropped;
}

std::optional<BatchFrame> BatchSpool::NextToSend(size_t window, const CollectorTotals& totals) {
  if (sent_ >= entries_.size() || sent_ >= window) {
    return std::nullopt;
  }
  Entry& entry = entries_[sent_];
  if (entry.sequence == 0) {
    entry.sequence = ++last_sequence_;
    ++numbered_;
  }
  bool resent = !entry.head.empty();
  if (!resent) {
    entry.head = MakeHead(entry.sequence, totals, entry.batch.payload.size());
  }
  ++sent_;
  return BatchFrame{.head = entry.head, .payload = entry.batch.payload, .resent = resent};
}

BatchSpool::Acknowledged BatchSpool::Acknowledge(uint64_t sequence) {
  Acknowledged acknowledged;
  if (sequence > last_sequence_) {
    return acknowledged;
  }
  while (sent_ > 0 && entries_.front().sequence <= sequence) {
    ++acknowledged.batches;
    acknowledged.observations += entries_.front().batch.observations;
    Erase(entries_.begin());
    --numbered_;
    --sent_;
  }
  return acknowledged;
}

}  // namespace network_mapper
