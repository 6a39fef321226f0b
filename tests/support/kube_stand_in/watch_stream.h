// The frames of one watch, without HTTP: what an API server writes into the body of
// GET ...?watch=1. Used by one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "tests/support/kube_stand_in/object_store.h"

namespace network_mapper::stand_in {

struct WatchRequest {
  ResourceType type = {};
  // Empty for all namespaces.
  std::string name_space = {};
  Selector labels = {};
  Selector fields = {};
  // Absent: first the objects that exist, as ADDED, then what happens.
  std::optional<uint64_t> resource_version = {};
  bool bookmarks = false;
  // Ends the initial objects with a bookmark that says so.
  bool send_initial_events = false;
  bool metadata_only = false;
  std::chrono::milliseconds timeout{std::chrono::minutes(30)};
  std::chrono::milliseconds bookmark_interval{std::chrono::minutes(1)};
};

class WatchStream {
 public:
  // `store` must outlive this.
  WatchStream(const ObjectStore& store, WatchRequest request);

  // Waits at most `limit` for frames; empty when there were none. Absent: the stream has ended,
  // after its timeout or after an ERROR frame.
  std::optional<std::string> Next(std::chrono::milliseconds limit);

 private:
  bool Matches(const StoredObject& object) const;
  void AppendFrame(std::string_view type, const StoredObject& object, std::string& out) const;
  void AppendChange(const Change& change, std::string& out) const;
  void AppendBookmark(bool initial_events_end, std::string& out);
  void AppendInitial(std::string& out);

  const ObjectStore& store_;
  const WatchRequest request_;
  uint64_t version_ = 0;
  bool initial_pending_ = false;
  bool ended_ = false;
  std::chrono::steady_clock::time_point deadline_;
  std::chrono::steady_clock::time_point next_bookmark_;
};

// {"type":"ERROR",...} with a Status of this code, and its newline.
std::string ErrorFrame(int code, std::string_view reason, std::string_view message);
// The body of an error answer.
std::string StatusBody(int code, std::string_view reason, std::string_view message);

}  // namespace network_mapper::stand_in
