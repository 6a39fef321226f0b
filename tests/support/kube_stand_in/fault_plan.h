// What shall go wrong, in which request: tests of the client's way through an API server's bad days
// order it here. Thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/concurrency/guarded.h"
#include "common/status/status.h"

namespace network_mapper::stand_in {

enum class FaultKind : uint8_t {
  kGone,             // HTTP 410, reason Expired
  kGoneFrame,        // watch: 200, then one ERROR frame with code 410
  kTooManyRequests,  // 429 with Retry-After
  kInternalError,    // 500
  kForbidden,        // 403
  kHalfObject,       // the answer, or the next watch frame, ends in the middle
  kSilent,           // 200, then nothing until the client leaves
  kDropConnection,   // headers, then the connection is closed
};

struct Fault {
  FaultKind kind = FaultKind::kInternalError;
  // The request's path must contain it; empty matches all.
  std::string path;
  // "list", "watch", "get" or another verb; empty matches all.
  std::string verb;
  // How many requests get it.
  int count = 1;
  int retry_after_seconds = 1;
};

// "gone", "gone_frame", "too_many_requests", "internal_error", "forbidden", "half_object",
// "silent", "drop_connection".
std::optional<FaultKind> ParseFaultKind(std::string_view text);

class FaultPlan {
 public:
  void Add(Fault fault);
  // {"kind":"gone","path":"/api/v1/pods","verb":"watch","count":1,"retryAfterSeconds":1}
  Status AddJson(std::string_view text);
  // The first fault that fits the request; uses it up.
  std::optional<Fault> Take(std::string_view path, std::string_view verb);
  void Clear();
  // How many faults wait for their request.
  int Pending() const;

 private:
  Guarded<std::vector<Fault>> faults_;
};

}  // namespace network_mapper::stand_in
