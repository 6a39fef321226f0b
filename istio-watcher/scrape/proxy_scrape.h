// One look at one proxy's counters: the answer of its metrics port as it comes, through the reader,
// to what the counters grew by. Tries the proxy's ports in turn. Advanced by whoever has many of
// them, on one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/net/ip_address.h"
#include "common/time/clock.h"
#include "istio-watcher/deltas/proxy_counters.h"
#include "istio-watcher/metrics/prometheus_reader.h"
#include "istio-watcher/metrics/reader_options.h"
#include "istio-watcher/scrape/metrics_fetch.h"
#include "istio-watcher/scrape/scrape_failure.h"

namespace network_mapper::istio {

enum class ProxyKind : uint8_t {
  kEnvoy,    // sidecar, gateway, waypoint: requests
  kZtunnel,  // connections
};

// Where a proxy's metrics are.
struct ScrapeAddress {
  IpAddress address;
  // In the order in which they are tried, at least one. Of an Envoy its own (15090), then that of
  // the agent beside it, which adds the application's metrics and may pass on no filter.
  std::vector<uint16_t> ports;
  ProxyKind kind = ProxyKind::kEnvoy;
};

struct ScrapeOptions {
  ReaderOptions reader;
  // Of one answer, connecting included.
  std::chrono::nanoseconds timeout = std::chrono::seconds(10);
};

class ProxyScrape {
 public:
  // Begins. `options` and `counters` must outlive it. `first_port` is the index of the port to
  // begin with; the others follow.
  ProxyScrape(const ScrapeOptions& options, ScrapeAddress address, size_t first_port,
              ProxyCounters& counters, const Clock& clock);
  ProxyScrape(const ProxyScrape&) = delete;
  ProxyScrape& operator=(const ProxyScrape&) = delete;
  ~ProxyScrape();

  // As those of MetricsFetch.
  int Descriptor() const { return fetch_->Descriptor(); }

  short Events() const { return fetch_->Events(); }

  SteadyTime Deadline() const { return fetch_->Deadline(); }

  void Advance();

  bool IsOver() const { return is_over_; }

  // Once it is over. Of the port that answered, or of the one tried first.
  std::optional<ScrapeFailure> Failure() const { return failure_; }

  // The port that answered.
  size_t Port() const { return port_; }

  ScrapeResult TakeResult() { return std::move(result_); }

  // Of the answer that was read.
  const ReaderCounts& Counts() const { return reader_->Counts(); }

  uint64_t Bytes() const { return bytes_; }

 private:
  void Begin();
  void EndAttempt();

  const ScrapeOptions& options_;
  ScrapeAddress address_;
  ProxyCounters& counters_;
  const Clock& clock_;
  size_t port_;
  size_t attempts_ = 0;
  Time began_;
  std::unique_ptr<PrometheusReader> reader_;
  std::unique_ptr<MetricsFetch> fetch_;
  bool is_over_ = false;
  std::optional<ScrapeFailure> failure_;
  ScrapeResult result_;
  uint64_t bytes_ = 0;
};

}  // namespace network_mapper::istio
