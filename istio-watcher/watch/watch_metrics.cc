#include "istio-watcher/watch/watch_metrics.h"

#include <string>

namespace network_mapper::istio {

namespace {

void AddTo(Counter& counter, uint64_t amount) {
  if (amount > 0) {
    counter.Increment(static_cast<double>(amount));
  }
}

}  // namespace

WatchMetrics::WatchMetrics(MetricsRegistry& registry)
    : proxies(registry.AddGauge("network_mapper_istio_proxies", "Proxies of the service mesh.")),
      unread_proxies(registry.AddGauge("network_mapper_istio_unread_proxies",
                                       "Proxies that are ready and could not be read last.")),
      series(registry.AddGauge("network_mapper_istio_series", "Series whose values are kept.")),
      round_seconds(
          registry.AddGauge("network_mapper_istio_round_seconds", "How often each proxy is read.")),
      scrapes(registry.AddCounter("network_mapper_istio_scrapes_total",
                                  "Proxies read, or tried to be.")),
      commands(registry.AddCounter("network_mapper_istio_commands_total",
                                   "Those of them that a command in the proxy's pod was to read.")),
      bytes(registry.AddCounter("network_mapper_istio_read_bytes_total", "What proxies answered.")),
      series_read(registry.AddCounter("network_mapper_istio_series_read_total",
                                      "Series that could be used.")),
      series_over_limit(registry.AddCounter("network_mapper_istio_series_over_limit_total",
                                            "Series that found no room.")),
      surplus_generations(
          registry.AddCounter("network_mapper_istio_surplus_generations_total",
                              "Series that a proxy showed more than twice in one answer.")),
      counted_elsewhere(
          registry.AddCounter("network_mapper_istio_counted_elsewhere_total",
                              "Calls left out since the proxy at their other end counts them.")),
      without_path_label(
          registry.AddCounter("network_mapper_istio_series_without_path_label_total",
                              "Series of requests for which the mesh tells no path.")) {
  for (ScrapeFailure failure : kAllScrapeFailures) {
    failures.at(static_cast<size_t>(failure)) = &registry.AddCounter(
        "network_mapper_istio_scrape_failures_total", "Proxies that could not be read, by reason.",
        {{"reason", std::string(ScrapeFailureName(failure))}});
  }
  for (SeriesRefusal refusal : kAllSeriesRefusals) {
    refused_series.at(static_cast<size_t>(refusal)) = &registry.AddCounter(
        "network_mapper_istio_series_refused_total", "Series that could not be used, by reason.",
        {{"reason", std::string(SeriesRefusalName(refusal))}});
  }
  for (ResourceRefusal refusal : kAllResourceRefusals) {
    refused_resources.at(static_cast<size_t>(refusal)) =
        &registry.AddCounter("network_mapper_istio_resources_refused_total",
                             "Series that count without method and path, by reason.",
                             {{"reason", std::string(ResourceRefusalName(refusal))}});
  }
}

void WatchMetrics::Count(const ReaderCounts& counts) {
  AddTo(series_read, counts.series);
  AddTo(without_path_label, counts.without_path_label);
  for (size_t i = 0; i < refused_series.size(); ++i) {
    AddTo(*refused_series.at(i), counts.refused.at(i));
  }
  for (size_t i = 0; i < refused_resources.size(); ++i) {
    AddTo(*refused_resources.at(i), counts.without_resource.at(i));
  }
}

}  // namespace network_mapper::istio
