#include "istio-watcher/scrape/scrape_schedule.h"

#include <algorithm>

namespace network_mapper::istio {

namespace {

std::chrono::nanoseconds LeastWindow(size_t proxies) {
  constexpr std::chrono::nanoseconds kStep = std::chrono::nanoseconds(std::chrono::seconds(1)) /
                                             static_cast<int64_t>(kMostScrapesPerSecond);
  return kStep * static_cast<int64_t>(proxies);
}

}  // namespace

Round PlanRound(const ScheduleOptions& options, size_t proxies) {
  const auto window = std::max(options.interval - options.pause, LeastWindow(proxies));
  return {window, std::max(options.interval, window + options.pause)};
}

Round PlanFirstRound(const ScheduleOptions& options, size_t proxies) {
  return {LeastWindow(proxies), PlanRound(options, proxies).length};
}

std::vector<std::chrono::nanoseconds> SpreadOver(std::chrono::nanoseconds window, size_t count,
                                                 std::minstd_rand& random) {
  std::vector<std::chrono::nanoseconds> begins;
  begins.reserve(count);
  const int64_t slot = window.count() / static_cast<int64_t>(std::max<size_t>(count, 1));
  std::uniform_int_distribution<int64_t> within_slot(0, std::max<int64_t>(slot, 1) - 1);
  for (size_t i = 0; i < count; ++i) {
    begins.emplace_back(slot * static_cast<int64_t>(i) + within_slot(random));
  }
  return begins;
}

}  // namespace network_mapper::istio
