// What was written to logs, and what came out of a source: nothing may be missing, nothing twice.
// Each line has a topic of its own.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "kafka-watcher/log/log_source.h"

namespace network_mapper::kafka {

inline std::string AuditLine(std::string_view topic) {
  return fmt::format(
      "[2026-11-26 04:00:00,001] DEBUG Principal = User:alice is Allowed Operation = Read from "
      "host "
      "= 10.244.0.27 on resource = Topic:LITERAL:{} for request = Fetch with resourceRefCount = 1 "
      "(kafka.authorizer.logger)",
      topic);
}

class LineLedger {
 public:
  // How often each topic was read.
  std::map<std::string, uint64_t> read;
  // As a watcher saves it: of the last harvest.
  std::vector<LogPosition> positions;

  void Take(LogSource& source) {
    positions.clear();
    for (const Harvest& harvest : source.Take()) {
      for (const Observation& observation : harvest.observations) {
        read[std::get<KafkaTarget>(observation.target).topic] += observation.count;
      }
      if (harvest.position) {
        positions.push_back(*harvest.position);
      }
    }
  }

  // Harvests until `done`, which sees each harvest's sum, or for ten seconds.
  template <typename Done>
  bool TakeUntil(LogSource& source, Done&& done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (true) {
      Take(source);
      if (done()) {
        return true;
      }
      if (std::chrono::steady_clock::now() > deadline) {
        return false;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }

  bool TakeUntilRead(LogSource& source, const std::string& topic) {
    return TakeUntil(source, [&] { return read.contains(topic); });
  }

  // The topics "<prefix>0" to "<prefix>(count - 1)" that were not read just once, as text.
  std::string Wrong(std::string_view prefix, size_t count) const {
    std::string wrong;
    for (size_t i = 0; i < count; ++i) {
      const auto found = read.find(fmt::format("{}{}", prefix, i));
      const uint64_t times = found == read.end() ? 0 : found->second;
      if (times != 1) {
        wrong += fmt::format("{}{} {} times, ", prefix, i, times);
      }
    }
    return wrong;
  }
};

inline uint64_t GapsOf(const LogSource& source) {
  uint64_t gaps = 0;
  for (const LogState& state : source.States()) {
    gaps += state.counts.gaps;
  }
  return gaps;
}

// Waits for `done`, ten seconds at most.
template <typename Done>
bool Eventually(Done&& done) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace network_mapper::kafka
