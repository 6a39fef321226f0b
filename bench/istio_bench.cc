// What proxies' statistics cost: reading of a merged dump as a sidecar with a hundred series has it
// (most lines are histograms and other metrics), of a filtered one (only requests), of the admin
// JSON; and the counters of 2,000 proxies.
#include <malloc.h>

#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "istio-watcher/deltas/snapshot_codec.h"
#include "istio-watcher/metrics/prometheus_reader.h"
#include "istio-watcher/metrics/stats_json_reader.h"

namespace network_mapper::istio {
namespace {

constexpr size_t kSeries = 100;

std::vector<std::pair<std::string, std::string>> LabelsOf(size_t i) {
  return {
      {"reporter", "source"},
      {"source_workload", "frontend"},
      {"source_canonical_service", "frontend"},
      {"source_canonical_revision", "latest"},
      {"source_workload_namespace", "shop"},
      {"source_principal", "spiffe://cluster.local/ns/shop/sa/frontend"},
      {"source_app", "frontend"},
      {"source_version", "v1"},
      {"source_cluster", "Kubernetes"},
      {"destination_workload", fmt::format("service-{}-v1", i % 7)},
      {"destination_workload_namespace", "shop-backend"},
      {"destination_principal", fmt::format("spiffe://cluster.local/ns/shop/sa/service-{}", i % 7)},
      {"destination_app", fmt::format("service-{}", i % 7)},
      {"destination_version", "v1"},
      {"destination_service", fmt::format("service-{}.shop-backend.svc.cluster.local", i % 7)},
      {"destination_canonical_service", fmt::format("service-{}", i % 7)},
      {"destination_canonical_revision", "v1"},
      {"destination_service_name", fmt::format("service-{}", i % 7)},
      {"destination_service_namespace", "shop-backend"},
      {"destination_cluster", "Kubernetes"},
      {"request_protocol", "http"},
      {"response_code", "200"},
      {"grpc_response_status", ""},
      {"response_flags", "-"},
      {"connection_security_policy", "unknown"},
      {"request_method", "GET"},
      {"request_path", fmt::format("/api/v1/items/{}/details.json", i)}};
}

std::string Line(std::string_view name, size_t i, std::string_view more = "") {
  std::string labels;
  for (const auto& [key, value] : LabelsOf(i)) {
    labels += fmt::format("{}{}=\"{}\"", labels.empty() ? "" : ",", key, value);
  }
  return fmt::format("{}{{{}{}}} {}\n", name, labels, more, 1000 + i);
}

std::string Requests(size_t series) {
  std::string body = "# TYPE istio_requests_total counter\n";
  for (size_t i = 0; i < series; ++i) {
    body += Line("istio_requests_total", i);
  }
  return body;
}

// No label has the value that it has in the line before, but for the reporter.
std::string RequestsWithNothingAlike(size_t series) {
  std::string body = "# TYPE istio_requests_total counter\n";
  for (size_t i = 0; i < series; ++i) {
    std::string labels;
    for (const auto& [key, value] : LabelsOf(i)) {
      const bool is_reporter = key == "reporter";
      labels += fmt::format("{}{}=\"{}{}\"", labels.empty() ? "" : ",", key,
                            is_reporter  ? ""
                            : i % 2 == 0 ? "a"
                                         : "b",
                            value);
    }
    body += fmt::format("istio_requests_total{{{}}} {}\n", labels, 1000 + i);
  }
  return body;
}

std::string MergedDump() {
  std::string body;
  for (size_t i = 0; i < 3000; ++i) {
    body += fmt::format(
        "# TYPE envoy_cluster_metric_{0} counter\nenvoy_cluster_metric_{0}{{cluster_"
        "name=\"outbound|80||service-{1}.shop.svc.cluster.local\"}} {0}\n",
        i, i % 50);
  }
  body += Requests(kSeries);
  for (const char* histogram :
       {"istio_request_duration_milliseconds", "istio_request_bytes", "istio_response_bytes"}) {
    for (size_t i = 0; i < kSeries; ++i) {
      for (size_t bucket = 0; bucket < 20; ++bucket) {
        body += Line(fmt::format("{}_bucket", histogram), i,
                     fmt::format(",le=\"{}\"", size_t{1} << bucket));
      }
    }
  }
  return body;
}

std::string AdminJson(size_t series) {
  std::string body = "{\"stats\":[";
  for (size_t i = 0; i < series; ++i) {
    std::string name = "istiocustom.istio_requests_total";
    for (const auto& [key, value] : LabelsOf(i)) {
      name += "." + key + (value.empty() ? "" : "." + value);
    }
    body += fmt::format("{}{{\"name\":\"{}\",\"value\":{}}}", i == 0 ? "" : ",", name, i);
  }
  return body + "]}";
}

template <typename Reader>
void ReadBody(benchmark::State& state, const std::string& body, uint64_t series) {
  constexpr size_t kChunk = size_t{16} * 1024;
  const ReaderOptions options;
  for (auto _ : state) {
    uint64_t sum = 0;
    Reader reader(options, [&sum](const Series& one) { sum += one.identity; });
    for (size_t i = 0; i < body.size(); i += kChunk) {
      if (!reader.Feed(std::string_view(body).substr(i, kChunk)).ok()) {
        state.SkipWithError("refused");
      }
    }
    if (!reader.Finish().ok() || reader.Counts().series != series) {
      state.SkipWithError("series are missing");
    }
    benchmark::DoNotOptimize(sum);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(body.size()));
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(series));
}

void BM_ReadMergedDump(benchmark::State& state) {
  ReadBody<PrometheusReader>(state, MergedDump(), kSeries);
}

BENCHMARK(BM_ReadMergedDump);

void BM_ReadRequestsOnly(benchmark::State& state) {
  ReadBody<PrometheusReader>(state, Requests(5000), 5000);
}

BENCHMARK(BM_ReadRequestsOnly);

void BM_ReadRequestsWithNothingAlike(benchmark::State& state) {
  ReadBody<PrometheusReader>(state, RequestsWithNothingAlike(5000), 5000);
}

BENCHMARK(BM_ReadRequestsWithNothingAlike);

void BM_ReadAdminJson(benchmark::State& state) {
  ReadBody<StatsJsonReader>(state, AdminJson(5000), 5000);
}

BENCHMARK(BM_ReadAdminJson);

// Scrapes a proxy with 500 series, of which one in ten grew.
class Proxies {
 public:
  explicit Proxies(size_t count) : budget_(2 * count * kPerProxy) {
    for (size_t i = 0; i < count; ++i) {
      proxies_.push_back(std::make_unique<ProxyCounters>(
          ProxyInstance{{}, Time(std::chrono::seconds(1))}, options_, budget_));
    }
    for (size_t i = 0; i < kPerProxy; ++i) {
      paths_.push_back(fmt::format("/api/v1/items/{}", i));
    }
  }

  size_t ScrapeAll() {
    size_t calls = 0;
    ++round_;
    for (size_t i = 0; i < proxies_.size(); ++i) {
      ProxyCounters& proxy = *proxies_[i];
      proxy.BeginScrape();
      for (size_t j = 0; j < kPerProxy; ++j) {
        Series series;
        series.source = {"frontend", "shop", ""};
        series.destination = {"service-1-v1", "shop-backend", ""};
        series.response_code = "200";
        series.response_flags = "-";
        series.path = paths_[j];
        series.value = 1 + (j % 10 == 0 ? round_ : 0);
        series.identity = (i * kPerProxy + j + 1) * 0x9E3779B97F4A7C15U;
        proxy.Take(series);
      }
      calls += proxy.EndScrape(ScrapeEnd::kComplete, Time(std::chrono::seconds(100 + round_)))
                   .growth.size();
    }
    return calls;
  }

  const ProxyCounters& First() const { return *proxies_.front(); }

  static constexpr size_t kPerProxy = 500;

 private:
  DeltaOptions options_;
  SeriesBudget budget_;
  std::vector<std::unique_ptr<ProxyCounters>> proxies_;
  std::vector<std::string> paths_;
  uint64_t round_ = 0;
};

void BM_ScrapeProxies(benchmark::State& state) {
  const auto count = static_cast<size_t>(state.range(0));
  const size_t before = mallinfo2().uordblks;
  Proxies proxies(count);
  proxies.ScrapeAll();
  for (auto _ : state) {
    if (proxies.ScrapeAll() != count * Proxies::kPerProxy / 10) {
      state.SkipWithError("growth is missing");
    }
  }
  const auto bytes = static_cast<double>(mallinfo2().uordblks - before);
  state.counters["mebibytes"] = bytes / (1024 * 1024);
  state.counters["bytes_per_series"] = bytes / static_cast<double>(count * Proxies::kPerProxy);
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(count * Proxies::kPerProxy));
}

BENCHMARK(BM_ScrapeProxies)->Arg(2000)->Unit(benchmark::kMillisecond);

void BM_SnapshotProxy(benchmark::State& state) {
  Proxies proxies(1);
  proxies.ScrapeAll();
  for (auto _ : state) {
    const std::string bytes = EncodeSnapshot(*proxies.First().Snapshot());
    benchmark::DoNotOptimize(DecodeSnapshot(bytes).ok());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(Proxies::kPerProxy));
}

BENCHMARK(BM_SnapshotProxy);

}  // namespace
}  // namespace network_mapper::istio
