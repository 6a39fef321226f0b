// Client side of the report stream: what a collector uses to bring observations to the mapper.
// Batches wait in a bounded spool in memory until the mapper acknowledges them; after a lost
// connection the client reconnects and sends again what was not acknowledged. It does not merge or
// judge observations beyond what the wire form demands.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/metrics/metrics.h"
#include "common/observation/observation.h"
#include "common/report/batch_spool.h"
#include "common/report/collector_totals.h"
#include "common/status/status.h"
#include "common/time/clock.h"

namespace network_mapper {

// Paths of PEM files. They are read again at every connection attempt, so a rotated certificate is
// used from the next reconnect on; an established connection keeps the old one.
struct ReportClientTls {
  bool enabled = false;
  // Empty: the system's certificate authorities.
  std::string ca_file;
  // Both or neither: the client's own certificate, for mutual TLS.
  std::string certificate_file;
  std::string key_file;
  // Name that the server's certificate must carry when it differs from the address's host.
  std::string server_name;
};

// A random UUID.
std::string NewInstanceId();

// What a collector that saves its batches goes on from after a restart.
struct ReportResumption {
  std::string instance_id;
  // Those that may not have been applied; the mapper drops what it has. None: the first number that
  // is free.
  NumberedBatches batches;
};

struct ReportClientOptions {
  // "host:port", "1.2.3.4:port" or "[v6]:port". Proxy variables of the environment are not
  // honoured.
  std::string address;
  // For people and metrics at the mapper: "sniffer", the node's name, the program's version.
  std::string component;
  std::string node_name;
  std::string version;
  ReportClientTls tls;
  // File of the token that says who this collector is; empty: none is sent. Read again at every
  // connection attempt. Needs TLS, so that nobody on the way reads it.
  std::string token_file;
  // Bounds of the spool, in encoded bytes and in observations, sent and unsent together. What does
  // not fit makes the oldest batch that was never sent go.
  size_t spool_bytes = size_t{4} << 20;
  size_t spool_observations = 50'000;
  // Absent: a new instance with a random id.
  std::optional<ReportResumption> resume = std::nullopt;
  // Batches that may be sent and not yet acknowledged.
  size_t window = 64;
  std::chrono::milliseconds minimum_backoff{500};
  std::chrono::milliseconds maximum_backoff{30'000};
  // How long the server may take from the connection attempt to its Welcome.
  std::chrono::milliseconds welcome_timeout{20'000};
  // A peer that does not answer a ping sent after `keepalive_time` for `keepalive_timeout` is dead.
  std::chrono::milliseconds keepalive_time{30'000};
  std::chrono::milliseconds keepalive_timeout{10'000};
};

// A consistent picture of the client, for health pages, logs and tests.
struct ReportClientState {
  std::string instance_id;
  bool connected = false;
  size_t spool_batches = 0;
  size_t spool_observations = 0;
  size_t spool_bytes = 0;
  uint64_t acknowledged_batches = 0;
  uint64_t acknowledged_observations = 0;
  uint64_t resent_batches = 0;
  uint64_t dropped_observations = 0;
  // Connections after the first.
  uint64_t reconnects = 0;
  // Attempts in vain and connections that were lost.
  uint64_t failed_connections = 0;
  // The last failure's cause and remedy; empty when there was none.
  std::string last_error;
  // Whether the mapper has said at least once which batches of this instance it has.
  bool welcomed = false;
  // Not zero: the mapper has applied a batch of this instance with this number, which was not given
  // yet. What the client was to resume from is not the newest, and its batches would be taken for
  // old ones.
  uint64_t unknown_sequence = 0;
};

// Thread-safe. Owns one thread.
class ReportClient {
 public:
  // Checks the options, TLS files included, and starts connecting at once; an unreachable mapper is
  // no error here. `metrics` must outlive the client.
  static StatusOr<std::unique_ptr<ReportClient>> Create(const ReportClientOptions& options,
                                                        MetricsRegistry& metrics);
  ReportClient(const ReportClient&) = delete;
  ReportClient& operator=(const ReportClient&) = delete;
  // Stops.
  ~ReportClient();

  // Puts the observations into the spool; never waits for the network. Observations that the wire
  // form cannot carry (text that is not UTF-8, over a limit) are dropped and counted. Without
  // observations, only the totals are brought up to date.
  void Report(const std::vector<Observation>& observations, const CollectorTotals& totals);

  // For collectors that save what they send, instead of Report. The observations in batches, with
  // the numbers that Submit will give them; without observations an empty batch, which brings the
  // totals. What the wire form cannot carry is dropped and counted.
  NumberedBatches Prepare(const std::vector<Observation>& observations);
  // Sends what Prepare returned last. The bounds of the spool do not hold here: submit no more
  // before what was submitted is acknowledged. Anything else than the next numbers is an error.
  Status Submit(NumberedBatches batches, const CollectorTotals& totals);

  // Waits until everything reported so far is acknowledged or dropped; false when `deadline` came
  // first.
  bool Flush(SteadyTime deadline);

  // Ends the connection and the thread, without waiting for acknowledgements; takes a moment, not
  // longer than about a second. What is in the spool is lost. Calling it again does nothing.
  void Stop();

  ReportClientState State() const;
  // OK while connected to the mapper, else Unavailable with its address and what was wrong last.
  Status Connection() const;

 private:
  class Implementation;
  explicit ReportClient(std::unique_ptr<Implementation> implementation);

  std::unique_ptr<Implementation> implementation_;
};

}  // namespace network_mapper
