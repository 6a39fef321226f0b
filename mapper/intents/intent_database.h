// The intent store's rows in a database, so that the map outlives the program. Written in
// transactions; what was committed survives a crash at any byte. Used by the intent store only,
// which calls it from one thread at a time; it knows nothing of merging.
//
// A database is one mapper's own (SqliteDatabase), or shared by several mappers (PostgresDatabase).
// Of a shared one, each mapper keeps a copy in memory, and brings it up to date before it changes
// anything; transactions of all mappers come one after the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/observation/observation.h"
#include "common/status/status.h"
#include "common/time/clock.h"
#include "mapper/intents/intent.h"

namespace network_mapper {

class IntentDatabase {
 public:
  // What a database holds, or what came to it since the last look.
  struct Content {
    // All of it; what is not here does not exist. False: in addition to what is known.
    bool is_whole = false;
    // Each with its row; one with a known row takes its place.
    std::vector<std::pair<int64_t, std::unique_ptr<Intent>>> intents;
    // Rows up to this one are in use, those included that could not be read.
    int64_t last_row = 0;
    // What waits to be resolved by this mapper.
    std::vector<std::pair<uint64_t, Observation>> held;
    // Least recently heard of first.
    std::vector<std::pair<std::string, uint64_t>> sequences;
    // Since when the database has held what was seen: its making, or the last time it was emptied.
    std::optional<Time> since;
    // Rows that could not be read and were left out.
    size_t unreadable = 0;
    // The last Commit failed, but it turned out that it had been done.
    bool last_commit_done = false;
    // Shared: what other mappers that live have announced.
    std::vector<std::string> announcements;
    // This mapper was silent for so long that another one has taken over what waited here.
    bool is_disowned = false;
  };

  IntentDatabase() = default;
  IntentDatabase(const IntentDatabase&) = delete;
  IntentDatabase& operator=(const IntentDatabase&) = delete;
  virtual ~IntentDatabase() = default;

  // For logs, without secrets.
  virtual std::string Name() const = 0;

  virtual bool IsShared() const = 0;

  // Everything. Call it once, first.
  virtual StatusOr<Content> Load() = 0;

  // The first number for what waits that no other mapper uses.
  virtual uint64_t FirstHeldId() const = 0;

  // Shared: what other mappers have committed since the last look.
  virtual StatusOr<Content> ReadNews() = 0;

  // Shared: what the other mappers get to read from the next commit on.
  virtual void Announce(std::string bytes) = 0;

  // Shared: a commit is due even if there is nothing to write, to show that this mapper lives.
  virtual bool IsCommitDue() const = 0;

  // One transaction: Begin, any number of the others, Commit. An error of any of them rolls the
  // transaction back; then only Begin makes sense. Begin returns what ReadNews does; after an error
  // everything.
  virtual StatusOr<Content> Begin() = 0;
  virtual Status PutIntent(int64_t row, const Intent& intent) = 0;
  virtual Status EraseIntent(int64_t row) = 0;
  virtual Status EraseAllIntents(Time now) = 0;
  virtual Status PutHeld(uint64_t id, const Observation& observation) = 0;
  virtual Status EraseHeld(uint64_t id) = 0;
  virtual Status PutSequence(const std::string& instance_id, uint64_t sequence) = 0;
  virtual Status EraseSequence(const std::string& instance_id) = 0;
  virtual Status PutBookmark(const std::string& name, const std::string& bytes) = 0;
  virtual Status EraseBookmark(const std::string& name) = 0;
  virtual Status Commit() = 0;

  // Outside a transaction: those whose names begin so, as of the last commit of any mapper. Large
  // together, so they are in no Content.
  virtual StatusOr<std::vector<std::pair<std::string, std::string>>> ReadBookmarks(
      const std::string& prefix) = 0;

  virtual size_t Bytes() const = 0;
};

}  // namespace network_mapper
