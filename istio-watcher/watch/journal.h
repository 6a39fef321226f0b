// Where what the watcher found out goes, and what it has to know after a restart: both at once, so
// that nothing is lost in between, and nothing doubled. The mapper has it over its intent store.
#pragma once

#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "common/observation/observation.h"
#include "common/status/status.h"

namespace network_mapper::istio {

// By name; absent: it goes.
using SavedChanges = std::map<std::string, std::optional<std::string>>;
using Saved = std::vector<std::pair<std::string, std::string>>;

// What goes together.
struct JournalEntry {
  std::vector<Observation> observations;
  SavedChanges changes;
  // What a person should know just now.
  std::vector<std::string> notices;
};

class Journal {
 public:
  Journal() = default;
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  virtual ~Journal() = default;

  // What was saved so far. From now on nothing counts that another watcher still writes. Cancelled
  // on stop.
  virtual StatusOr<Saved> Begin(const std::stop_token& stop) = 0;

  // Returns once all of it is where it stays; waits as long as that takes. Cancelled on stop: it is
  // not known then. FailedPrecondition: another watcher has begun meanwhile, and nothing of it
  // counts.
  virtual Status Write(JournalEntry entry, const std::stop_token& stop) = 0;
};

}  // namespace network_mapper::istio
