// WATCH over HTTP: sends the frames of a WatchStream as they come, broken where a fault says so.
#pragma once

#include <httplib.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

#include "tests/support/kube_stand_in/fault_plan.h"
#include "tests/support/kube_stand_in/object_store.h"
#include "tests/support/kube_stand_in/watch_stream.h"

namespace network_mapper::stand_in {

class WatchRequests {
 public:
  // `store` must outlive this.
  explicit WatchRequests(const ObjectStore& store) : store_(store) {}

  // Answers at once; the frames follow from the connection's thread.
  void Handle(WatchRequest watch, const std::optional<Fault>& fault, httplib::Response& response);

  // As after their timeout.
  void EndAll() { ++generation_; }

  // Breaks them off.
  void Stop() { stopping_ = true; }

  bool Stopping() const { return stopping_; }

  uint64_t Begun() const { return begun_; }

  uint64_t Open() const { return open_; }

 private:
  struct OpenWatch;

  // One slice of a watch; false breaks the connection.
  bool WriteFrames(OpenWatch& watch, httplib::DataSink& sink) const;

  const ObjectStore& store_;
  std::atomic<bool> stopping_{false};
  std::atomic<uint64_t> generation_{0};
  std::atomic<uint64_t> begun_{0};
  std::atomic<uint64_t> open_{0};
};

}  // namespace network_mapper::stand_in
