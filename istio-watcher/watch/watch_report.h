// How the watching goes, for people. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "istio-watcher/scrape/scrape_failure.h"

namespace network_mapper::istio {

struct WatchReport {
  size_t proxies = 0;
  // Ready, and not to be read for some time; by the last ScrapeFailure.
  std::array<size_t, kAllScrapeFailures.size()> failing{};
  // Series of requests in the last answers, and those of them without a label for the path.
  uint64_t requests = 0;
  uint64_t requests_without_path = 0;
  // Series that found no room in the last round.
  uint64_t series_over_limit = 0;

  size_t Failing() const;
};

// What somebody should do something about, a sentence each.
std::vector<std::string> NoticesOf(const WatchReport& report);

}  // namespace network_mapper::istio
