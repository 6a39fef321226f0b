// The instruments of the report server.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "common/metrics/metrics.h"
#include "common/report/observation_codec.h"

namespace network_mapper {

// Why the server ended a stream.
enum class StreamClose : uint8_t {
  kClient,        // the collector went, or its connection did
  kLimit,         // too many streams
  kBadMessage,    // no Hello first, or values that make no sense
  kBadSequence,   // a sequence that does not rise
  kTooLarge,      // more observations in a batch than Welcome allows
  kHelloTimeout,  // no Hello in time
  kReplaced,      // the same collector opened a newer stream
  kShutdown,
  kBadToken,        // no token, or one that is not valid
  kNotACollector,   // a valid token of somebody else, or of another node
  kUncheckedToken,  // the API server gave no verdict
};
inline constexpr size_t kStreamCloseCount = 11;

struct ReportServerMetrics {
  explicit ReportServerMetrics(MetricsRegistry& registry);

  Counter& Closed(StreamClose reason) { return *closed[static_cast<size_t>(reason)]; }

  Counter& Refused(ObservationRefusal reason) { return *refused[static_cast<size_t>(reason)]; }

  Gauge& streams;
  Counter& batches;
  Counter& observations;
  Counter& duplicates;
  Counter& pushbacks;
  Counter& failed_handshakes;
  Counter& refused_connections;
  std::vector<Counter*> closed;
  std::vector<Counter*> refused;
};

}  // namespace network_mapper
