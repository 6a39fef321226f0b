// The load during which a fault happens: collectors that report, and pods that come and go while
// they call.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "common/concurrency/guarded.h"
#include "common/report/report_client.h"
#include "tests/faults/cluster.h"
#include "tests/faults/ledger.h"

namespace network_mapper::faults {

struct LoadOptions {
  // Of each collector.
  size_t spool_observations = 50'000;
};

// Sums over all collectors.
struct LoadState {
  uint64_t acknowledged = 0;
  uint64_t dropped = 0;
  uint64_t resent = 0;
  uint64_t reconnects = 0;
  std::string last_errors;
};

class Load {
 public:
  // One collector for each port of the loopback. What is referred to must outlive the load.
  Load(Cluster& cluster, Ledger& ledger, const std::vector<uint16_t>& ports, LoadOptions options,
       uint32_t seed);
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  ~Load() { Stop(); }

  // From now on the collectors' clocks are wrong by so much.
  void ShiftClocks(std::chrono::seconds by) { clock_shift_ = by; }

  // No more is reported.
  void Stop();
  // Until everything is acknowledged or dropped; false when `limit` was over first.
  bool Flush(std::chrono::seconds limit);
  // Tells the mapper once more what was dropped, which travels with a batch only.
  void TellTotals();

  LoadState State() const;

 private:
  void Report(const std::stop_token& stop, ReportClient& client, uint32_t seed);
  Observation MakeCall(std::minstd_rand& random);
  void ReplacePods(const std::stop_token& stop);

  Cluster& cluster_;
  Ledger& ledger_;
  std::atomic<std::chrono::seconds> clock_shift_{std::chrono::seconds(0)};
  std::atomic<uint64_t> next_named_{0};
  Guarded<std::deque<Pod>> young_;
  std::vector<std::unique_ptr<MetricsRegistry>> metrics_;
  std::vector<std::unique_ptr<ReportClient>> clients_;
  std::vector<std::jthread> workers_;
};

}  // namespace network_mapper::faults
