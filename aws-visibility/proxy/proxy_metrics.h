// What the proxy counts. Every connection has one outcome; what was refused, failed or spliced has
// a reason, too.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "aws-visibility/http/exchange_listener.h"
#include "aws-visibility/http/reading.h"
#include "common/metrics/metrics.h"

namespace network_mapper::aws {

enum class Outcome : uint8_t { kRelayed, kSpliced, kRefused, kFailed };

// Why we close a connection that we could have handed on.
enum class Refusal : uint8_t {
  kNotTls,
  kNotHttp,
  kMalformedHello,
  // Nor Host.
  kNoServerName,
  kNotAnApiEndpoint,
  // So many connections are open, or of that client's address.
  kLimit,
  kPeerLimit,
  // The name leads to the proxy itself.
  kLoop,
  kStopping,
  // All connections together, or the client's, keep too much to wait for the rest of what the
  // client says first.
  kNoRoom,
  // Of the client's HTTP, in the order of http/reading.h.
  kAmbiguousFraming,
  kLargeHead,
  kConnectMethod,
  kPipelining,
  kOtherHost,
  // The client said nothing after the TLS handshake.
  kNoRequest,
  // It waits for the addresses of as many names as it may, or all clients together do.
  kNameLimit,
};
inline constexpr size_t kRefusals = 17;

Refusal RefusalOf(Reading reading);

// Why a connection did not come about, or ended before its time.
enum class Failure : uint8_t {
  kHelloTimeout,
  kClientGone,
  kUpstreamAddress,
  kUpstreamConnect,
  kUpstreamTls,
  kNoCertificate,
  kClientTls,
  // It left without a word when it had seen our certificate: distrust, or a probe.
  kClientLeft,
  // The client does not trust our certificate: its next connections are spliced.
  kClientDistrust,
};
inline constexpr size_t kFailures = 9;

enum class SpliceReason : uint8_t {
  kClientDistrust,
  kClientCertificate,
  // No certificate is made for it, nor does OpenSSL find it in that of an endpoint: what it is
  // worth is the client's to judge.
  kServerName,
};

struct ProxyMetrics {
  explicit ProxyMetrics(MetricsRegistry& registry);

  void Count(Outcome outcome) { outcomes[static_cast<size_t>(outcome)]->Increment(); }

  void Count(Refusal reason) { refusals[static_cast<size_t>(reason)]->Increment(); }

  void Count(Failure reason) { failures[static_cast<size_t>(reason)]->Increment(); }

  void Count(SpliceReason reason) { splices[static_cast<size_t>(reason)]->Increment(); }

  void Count(Loss loss) { losses[static_cast<size_t>(loss)]->Increment(); }

  // A connection is handed on unread from now on, which is neither kFollowed nor a refusal.
  void CountUnread(Reading reading) { unread[static_cast<size_t>(reading) - 1]->Increment(); }

  void AddOpen(int64_t change) { open.Set(static_cast<double>(open_count += change)); }

  std::array<Counter*, 4> outcomes;
  std::array<Counter*, kRefusals> refusals;
  std::array<Counter*, kFailures> failures;
  std::array<Counter*, 3> splices;
  Counter& exchanges;
  // Whose Host is no API endpoint's.
  Counter& exchanges_of_others;
  std::array<Counter*, 4> losses;
  std::array<Counter*, 4> unread;
  Counter& bytes_from_clients;
  Counter& bytes_from_upstream;
  Gauge& open;
  std::atomic<int64_t> open_count{0};
};

}  // namespace network_mapper::aws
