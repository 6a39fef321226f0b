// The intent store's rows in an SQLite file, so that the map outlives the program. Written in
// transactions, each on the disk when its commit returns (write-ahead log, synced); a crash at any
// byte leaves what was committed. Used by the intent store only, which calls it from one thread at
// a time; it knows nothing of merging.
//
// Two programs never share a file: it stays locked while it is open.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/observation/observation.h"
#include "common/status/status.h"
#include "common/time/clock.h"
#include "mapper/intents/intent.h"

namespace network_mapper {

class IntentDatabase {
 public:
  // The version of the schema that this program writes. Older ones are brought up to it.
  static constexpr int kSchemaVersion = 1;

  // Everything that a file holds.
  struct Content {
    // Each with its row.
    std::vector<std::pair<int64_t, std::unique_ptr<Intent>>> intents;
    std::vector<std::pair<uint64_t, Observation>> held;
    // Least recently heard of first.
    std::vector<std::pair<std::string, uint64_t>> sequences;
    // Since when the file has held what was seen: its making, or the last time it was emptied.
    Time since;
    // Rows that could not be read and were left out.
    size_t unreadable = 0;
  };

  // Makes the file when there is none; waits while another program, such as the former mapper that
  // is about to end, has it open. Errors name the file and the remedy: a folder that does not exist
  // or may not be written, a disk that is full, something that is no database, a schema of a newer
  // program, a file in use. `now` is when a new file begins.
  static StatusOr<std::unique_ptr<IntentDatabase>> Open(
      const std::string& path, Time now,
      std::chrono::milliseconds wait_for_other = std::chrono::seconds(20));
  IntentDatabase(const IntentDatabase&) = delete;
  IntentDatabase& operator=(const IntentDatabase&) = delete;
  ~IntentDatabase();

  StatusOr<Content> Load();

  // One transaction: Begin, any number of the others, Commit. An error of any of them rolls the
  // transaction back; then only Begin makes sense.
  Status Begin();
  Status PutIntent(int64_t row, const Intent& intent);
  Status EraseIntent(int64_t row);
  Status EraseAllIntents(Time now);
  Status PutHeld(uint64_t id, const Observation& observation);
  Status EraseHeld(uint64_t id);
  Status PutSequence(const std::string& instance_id, uint64_t sequence);
  Status EraseSequence(const std::string& instance_id);
  Status Commit();

  // Of the file without its log.
  size_t Bytes() const;

 private:
  class Implementation;
  explicit IntentDatabase(std::unique_ptr<Implementation> implementation);

  std::unique_ptr<Implementation> implementation_;
};

}  // namespace network_mapper
