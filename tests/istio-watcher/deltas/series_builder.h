// Series and proxies for the tests of this folder.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "istio-watcher/deltas/proxy_counters.h"

namespace network_mapper::istio {

inline Time At(int64_t seconds) {
  return Time(std::chrono::seconds(1'800'000'000 + seconds));
}

// shop/web calls shop/cart with GET; the texts must outlive the series.
inline Series MakeSeries(std::string_view path, uint64_t value, uint64_t identity) {
  Series series;
  series.source = {"web", "shop", ""};
  series.destination = {"cart", "shop", ""};
  series.destination_service_name = "cart-service";
  series.request_protocol = "http";
  series.response_code = "200";
  series.response_flags = "-";
  series.method = HttpMethod::kGet;
  series.path = path;
  series.value = value;
  series.identity = identity;
  return series;
}

// "PATH COUNT (AFTER, UNTIL]" for each, in seconds of At, joined by "; ".
inline std::string GrowthText(const ScrapeResult& result) {
  std::string text;
  for (const Growth& growth : result.growth) {
    const auto seconds = [](Time time) {
      return std::chrono::duration_cast<std::chrono::seconds>(time - At(0)).count();
    };
    text += fmt::format("{}{} {} ({}, {}]", text.empty() ? "" : "; ", growth.call.path,
                        growth.count, seconds(growth.after), seconds(growth.until));
  }
  return text;
}

}  // namespace network_mapper::istio
