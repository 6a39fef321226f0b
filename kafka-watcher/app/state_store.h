// Where a Kafka watcher keeps its state. One watcher uses a state at a time: a second one would
// report the same lines again.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "common/kube/client.h"
#include "common/status/status.h"
#include "kafka-watcher/app/saved_state.h"

namespace network_mapper::kafka {

// Not thread-safe.
class StateStore {
 public:
  StateStore() = default;
  StateStore(const StateStore&) = delete;
  StateStore& operator=(const StateStore&) = delete;
  virtual ~StateStore() = default;

  // Before the first Save. Absent: nothing was saved yet. Errors as those of DecodeState, with the
  // place; Aborted as below; others may pass.
  virtual StatusOr<std::optional<SavedState>> Load() = 0;
  // All of it or nothing, and for good. Aborted: another watcher uses the state; anything else may
  // pass, and the same can be saved again.
  virtual Status Save(const SavedState& state) = 0;
  // How much an encoded state may have.
  virtual size_t MostBytes() const = 0;

  // How long to leave the store alone after the last Save, for what is kept with others.
  virtual std::chrono::milliseconds Rest() const { return {}; }
};

// A file, with a lock beside it ("<path>.lock"). The folder must exist.
std::unique_ptr<StateStore> MakeFileStateStore(std::string path);

// A ConfigMap that exists, in the client's namespace; needs the rights get and update on it.
std::unique_ptr<StateStore> MakeConfigMapStateStore(std::string name,
                                                    std::shared_ptr<kube::Client> client);

}  // namespace network_mapper::kafka
