// What the proxy counts. Every connection has one outcome; what was refused, failed or spliced has
// a reason, too.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/metrics/metrics.h"

namespace network_mapper::aws {

enum class Outcome : uint8_t { kRelayed, kSpliced, kRefused, kFailed };

// Why we close a connection that we could have handed on.
enum class Refusal : uint8_t {
  kNotTls,
  kMalformedHello,
  kNoServerName,
  kNotAnApiEndpoint,
  kLimit,
  // The name leads to the proxy itself.
  kLoop,
  kStopping,
  // Of the client's HTTP: see http/verdict.h.
  kAmbiguousFraming,
  kLargeHead,
  kConnectMethod,
  kPipelining,
};
inline constexpr size_t kRefusals = 11;

// Why a connection did not come about, or ended before its time.
enum class Failure : uint8_t {
  kHelloTimeout,
  kClientGone,
  kUpstreamAddress,
  kUpstreamConnect,
  kUpstreamTls,
  kNoCertificate,
  kClientTls,
  // The client does not trust our certificate: its next connections are spliced.
  kClientDistrust,
};
inline constexpr size_t kFailures = 8;

enum class SpliceReason : uint8_t { kClientDistrust, kClientCertificate };

struct ProxyMetrics {
  explicit ProxyMetrics(MetricsRegistry& registry);

  void Count(Outcome outcome) { outcomes[static_cast<size_t>(outcome)]->Increment(); }

  void Count(Refusal reason) { refusals[static_cast<size_t>(reason)]->Increment(); }

  void Count(Failure reason) { failures[static_cast<size_t>(reason)]->Increment(); }

  void Count(SpliceReason reason) { splices[static_cast<size_t>(reason)]->Increment(); }

  void AddOpen(int64_t change) { open.Set(static_cast<double>(open_count += change)); }

  std::array<Counter*, 4> outcomes;
  std::array<Counter*, kRefusals> refusals;
  std::array<Counter*, kFailures> failures;
  std::array<Counter*, 2> splices;
  Counter& bytes_from_clients;
  Counter& bytes_from_upstream;
  Gauge& open;
  std::atomic<int64_t> open_count{0};
};

}  // namespace network_mapper::aws
