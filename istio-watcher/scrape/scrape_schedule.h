// When which proxy is to be read: each once in a round, spread over a window at its begin, none at
// the same place in every round. Pure but for the random numbers.
#pragma once

#include <chrono>
#include <cstddef>
#include <random>
#include <vector>

namespace network_mapper::istio {

struct ScheduleOptions {
  // From the begin of a round to that of the next one, at least.
  std::chrono::nanoseconds interval = std::chrono::seconds(30);
  // How much of it nothing new is read, at its end.
  std::chrono::nanoseconds pause = std::chrono::seconds(15);
};

// How many are begun in a second at most: with more proxies, rounds take longer.
inline constexpr size_t kMostScrapesPerSecond = 200;

struct Round {
  // All are begun in this time.
  std::chrono::nanoseconds window;
  std::chrono::nanoseconds length;
};

Round PlanRound(const ScheduleOptions& options, size_t proxies);
// As soon as that is fair to everybody: the first round, whose end watching begins with.
Round PlanFirstRound(const ScheduleOptions& options, size_t proxies);

// When each of so many is to begin, since the round's begin; ascending.
std::vector<std::chrono::nanoseconds> SpreadOver(std::chrono::nanoseconds window, size_t count,
                                                 std::minstd_rand& random);

}  // namespace network_mapper::istio
