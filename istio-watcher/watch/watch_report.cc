#include "istio-watcher/watch/watch_report.h"

#include <numeric>

#include <fmt/format.h>

namespace network_mapper::istio {

size_t WatchReport::Failing() const {
  return std::accumulate(failing.begin(), failing.end(), size_t{0});
}

std::vector<std::string> NoticesOf(const WatchReport& report) {
  std::vector<std::string> notices;
  if (report.requests > 0 && report.requests_without_path == report.requests) {
    notices.emplace_back(
        "Istio counts requests without their paths and methods: apply the Telemetry resource of "
        "docs/istio.md, which adds request_path and request_method");
  }
  if (const size_t failing = report.Failing(); failing > 0) {
    std::string reasons;
    for (ScrapeFailure failure : kAllScrapeFailures) {
      if (const size_t count = report.failing.at(static_cast<size_t>(failure)); count > 0) {
        reasons +=
            fmt::format("{}{} {}", reasons.empty() ? "" : ", ", ScrapeFailureName(failure), count);
      }
    }
    notices.push_back(fmt::format("{} of {} Istio proxies cannot be read ({}): see docs/istio.md",
                                  failing, report.proxies, reasons));
  }
  const auto failing = [&report](ScrapeFailure failure) {
    return report.failing.at(static_cast<size_t>(failure));
  };
  if (failing(ScrapeFailure::kForbidden) > 0) {
    notices.emplace_back(
        "metrics of Istio proxies are for their own pods only (METRICS_LOCALHOST_ACCESS_ONLY): "
        "istio-exec-fallback (chart: istioExecFallback) reads them by pods/exec");
  }
  if (failing(ScrapeFailure::kExecForbidden) > 0) {
    notices.emplace_back(
        "the mapper may not use pods/exec, which istio-exec-fallback needs: the chart's value "
        "istioExecFallback grants it");
  }
  if (report.series_over_limit > 0) {
    notices.push_back(
        fmt::format("{} series of Istio proxies found no room: fold ids in paths (istio-fold-ids), "
                    "or raise istio-max-series and istio-max-series-per-proxy",
                    report.series_over_limit));
  }
  return notices;
}

}  // namespace network_mapper::istio
