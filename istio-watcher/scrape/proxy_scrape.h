// One look at one proxy's counters: the answer of its metrics port as it comes, through the reader,
// to what the counters grew by. Tries the proxy's ports in turn, or takes what a command in its pod
// answers. Advanced by whoever has many of them, on one thread.
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
#include "istio-watcher/scrape/proxy_command.h"
#include "istio-watcher/scrape/scrape_failure.h"
#include "istio-watcher/scrape/stats_fetch.h"

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
  // Of the pod; an Envoy counts for workloads of its own namespace only. Empty: any.
  std::string name_space = {};
};

struct ScrapeOptions {
  ReaderOptions reader;
  // Of one answer, connecting included.
  std::chrono::nanoseconds timeout = std::chrono::seconds(10);
  // An Envoy whose ports forbid it is read by a command instead.
  bool has_command = false;
};

class ProxyScrape {
 public:
  // Begins. `options` and `counters` must outlive it. `first_port` is the index of the port to
  // begin with; the others follow.
  ProxyScrape(const ScrapeOptions& options, ScrapeAddress address, size_t first_port,
              ProxyCounters& counters, const Clock& clock);
  // By a command in the pod of an Envoy.
  ProxyScrape(const ScrapeOptions& options, ProxyCommand& command, const ProxyPod& pod,
              ProxyCounters& counters, const Clock& clock);
  ProxyScrape(const ProxyScrape&) = delete;
  ProxyScrape& operator=(const ProxyScrape&) = delete;
  ~ProxyScrape();

  // As those of StatsFetch.
  int Descriptor() const { return fetch_->Descriptor(); }

  short Events() const { return fetch_->Events(); }

  SteadyTime Deadline() const { return fetch_->Deadline(); }

  void Advance();

  bool IsOver() const { return is_over_; }

  // Once it is over. Of the first port that answered at all, or of the one tried first.
  std::optional<ScrapeFailure> Failure() const { return failure_; }

  bool IsByCommand() const { return address_.ports.empty(); }

  // Once it is over: it can be read by a command only.
  bool NeedsCommand() const {
    return options_.has_command && !IsByCommand() && address_.kind == ProxyKind::kEnvoy &&
           failure_ == ScrapeFailure::kForbidden;
  }

  // The port that answered.
  size_t Port() const { return port_; }

  ScrapeResult TakeResult() { return std::move(result_); }

  // Of the answer that was read.
  const ReaderCounts& Counts() const { return reader_->Counts(); }

  uint64_t Bytes() const { return bytes_; }

 private:
  // What is to be read next is another answer.
  TakeStats BeginReading();
  void BeginAttempt();
  void EndAttempt();

  const ScrapeOptions& options_;
  // Without ports: by a command.
  ScrapeAddress address_;
  ProxyCounters& counters_;
  const Clock& clock_;
  size_t port_ = 0;
  size_t attempts_ = 0;
  Time began_;
  std::unique_ptr<PrometheusReader> reader_;
  std::unique_ptr<StatsFetch> fetch_;
  bool is_over_ = false;
  std::optional<ScrapeFailure> failure_;
  ScrapeResult result_;
  uint64_t bytes_ = 0;
};

}  // namespace network_mapper::istio
