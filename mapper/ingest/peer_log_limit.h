// Keeps what a refused peer causes in the log to one line per address and reason, and what many
// addresses cause bounded.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "common/time/clock.h"
#include "mapper/ingest/report_server_metrics.h"

namespace network_mapper {

class PeerLogLimit {
 public:
  // `peer` as gRPC names it, "ipv4:10.0.0.1:4711": its port is left out of account.
  bool Allow(std::string_view peer, StreamClose reason, SteadyTime now) {
    if (now >= window_end_) {
      seen_.clear();
      window_end_ = now + kWindow;
    }
    if (seen_.size() >= kMostLines) {
      return false;
    }
    std::string key(peer.substr(0, peer.rfind(':')));
    key.push_back(static_cast<char>(reason));
    return seen_.insert(std::move(key)).second;
  }

 private:
  static constexpr std::chrono::hours kWindow{1};
  static constexpr size_t kMostLines = 1000;

  SteadyTime window_end_{};
  std::unordered_set<std::string> seen_;
};

}  // namespace network_mapper
