// Server side of the report stream (network_mapper/v1/report.proto): takes batches from collectors,
// hands them to the BatchSink and acknowledges what has been applied. It reads no further from a
// stream while the sink is full, so a full mapper pushes back through HTTP/2 flow control to the
// collector's spool. It resolves and stores nothing itself.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "common/metrics/metrics.h"
#include "common/status/status.h"
#include "mapper/ingest/batch_sink.h"
#include "mapper/ingest/collector_identity.h"

namespace network_mapper {

// Paths of PEM files. They are read again at a new connection when `refresh_interval` has passed;
// files that cannot be used then leave the former ones in force.
struct ReportServerTls {
  bool enabled = false;
  std::string certificate_file;
  std::string key_file;
  // Not empty: collectors must show a certificate of this authority (mutual TLS).
  std::string client_ca_file;
  std::chrono::seconds refresh_interval{60};
};

struct ReportServerOptions {
  // Empty: all addresses.
  std::string host;
  // 0 picks a free one.
  uint16_t port = 0;
  ReportServerTls tls;
  size_t max_streams = 20'000;
  // Of one address; so many connections of it, too.
  size_t max_streams_per_peer = 10'000;
  uint32_t max_batch_observations = 10'000;
  uint32_t max_batch_bytes = uint32_t{1} << 20;
  // Batches of one stream that are submitted and not yet applied; no more is read meanwhile.
  size_t max_unapplied_batches = 256;
  // From the connection to the end of its handshake, and from the stream's beginning to its Hello.
  std::chrono::milliseconds hello_timeout{10'000};
  // A peer that does not answer a ping sent after `keepalive_time` for `keepalive_timeout` is dead.
  std::chrono::milliseconds keepalive_time{60'000};
  std::chrono::milliseconds keepalive_timeout{20'000};
};

// Thread-safe.
class ReportServer {
 public:
  // Listens when it returns. `sink` and `metrics` must outlive the server. The callbacks given to
  // the sink and to `identify` may come after the end of the server; they do nothing then. Without
  // `identify` no token is asked for.
  static StatusOr<std::unique_ptr<ReportServer>> Create(const ReportServerOptions& options,
                                                        BatchSink& sink, MetricsRegistry& metrics,
                                                        IdentifyCollector identify = {});
  ReportServer(const ReportServer&) = delete;
  ReportServer& operator=(const ReportServer&) = delete;
  // Shuts down without grace.
  ~ReportServer();

  uint16_t Port() const;
  size_t Streams() const;

  // OK unless a collector was refused for its token lately: collectors try again every 30 s at
  // least.
  Status Collectors() const;

  // Takes no more streams and batches, waits at most `grace` for the acknowledgement of what was
  // submitted, then cuts what is left. Collectors see UNAVAILABLE and come back. Calling it again
  // does nothing.
  void Shutdown(std::chrono::milliseconds grace);

 private:
  class Implementation;
  explicit ReportServer(std::unique_ptr<Implementation> implementation);

  std::unique_ptr<Implementation> implementation_;
};

}  // namespace network_mapper
