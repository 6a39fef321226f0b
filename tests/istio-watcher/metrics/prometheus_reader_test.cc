#include "istio-watcher/metrics/prometheus_reader.h"

#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "istio-watcher/metrics/stats_json_reader.h"
#include "tests/istio-watcher/metrics/series_text.h"

namespace network_mapper::istio {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view kLabels =
    R"(reporter="source",source_workload="web",source_workload_namespace="shop",)"
    R"(destination_workload="cart",destination_workload_namespace="shop",)"
    R"(request_method="GET",request_path="/cart")";

std::string Line(std::string_view labels = kLabels, int value = 1) {
  return fmt::format("istio_requests_total{{{}}} {}\n", labels, value);
}

uint64_t IdentityOf(const std::string& body) {
  const ReaderOptions options;
  std::vector<uint64_t> identities;
  PrometheusReader reader(options,
                          [&](const Series& series) { identities.push_back(series.identity); });
  EXPECT_TRUE(reader.Feed(body).ok());
  EXPECT_EQ(identities.size(), 1U) << body;
  return identities.empty() ? 0 : identities.front();
}

TEST(PrometheusReader, FindsSeriesBetweenOtherMetrics) {
  const ReaderOptions options;
  std::vector<std::string> series;
  PrometheusReader reader(options, [&](const Series& one) { series.push_back(SeriesText(one)); });
  const std::string body = "# TYPE a counter\na{b=\"c\"} 1\n\n" + Line() +
                           "i 1\nistio_requests 2\n" + Line(kLabels, 2) + "istio_build{a=\"b\"} 1";
  EXPECT_TRUE(reader.Feed(body).ok());
  EXPECT_TRUE(reader.Finish().ok());
  EXPECT_THAT(series, ElementsAre("requests source shop/web -> shop/cart GET /cart 1",
                                  "requests source shop/web -> shop/cart GET /cart 2"));
}

TEST(PrometheusReader, SaysThatABodyEndsWithinASeries) {
  const ReaderOptions options;
  PrometheusReader reader(options, [](const Series&) { FAIL(); });
  const std::string line = Line();
  EXPECT_TRUE(reader.Feed(line.substr(0, line.size() - 1)).ok());
  EXPECT_THAT(StatusMessage(reader.Finish()), HasSubstr("end within a line"));
}

TEST(PrometheusReader, BoundsTheBodyAndTheLine) {
  ReaderOptions options;
  options.max_line = 400;
  options.max_body = 2000;
  size_t series = 0;
  PrometheusReader reader(options, [&](const Series&) { ++series; });
  const std::string long_line = Line(std::string(kLabels) + ",x=\"" + std::string(400, 'x') + "\"");
  EXPECT_TRUE(reader.Feed(long_line).ok());
  for (const char c : long_line) {
    EXPECT_TRUE(reader.Feed({&c, 1}).ok());
  }
  EXPECT_TRUE(reader.Feed(Line()).ok());
  EXPECT_EQ(series, 1U);
  EXPECT_EQ(RefusalsText(reader.Counts()), "refused too_long, too_long");
  EXPECT_THAT(StatusMessage(reader.Feed(std::string(2000, 'x'))), HasSubstr("longer than 2000"));
}

TEST(PrometheusReader, IdentityIsThatOfTheWholeSetOfLabels) {
  const uint64_t identity = IdentityOf(Line());
  EXPECT_EQ(IdentityOf(Line(kLabels, 99)), identity);
  EXPECT_EQ(IdentityOf(Line("request_path=\"/cart\",request_method=\"GET\",destination_workload_"
                            "namespace=\"shop\",destination_workload=\"cart\",source_workload_"
                            "namespace=\"shop\",source_workload=\"web\",reporter=\"source\"")),
            identity);
  EXPECT_EQ(IdentityOf(Line(std::string(kLabels) + ",source_app=\"\"")), identity);
  std::set<uint64_t> others{identity};
  for (const char* label : {"source_app=\"web\"", "source_app=\"bew\"", "app=\"web\"",
                            "web=\"source_app\"", "x=\"\\n\"", "x=\"n\""}) {
    EXPECT_TRUE(others.insert(IdentityOf(Line(std::string(kLabels) + "," + label))).second)
        << label;
  }
  // Values that change places.
  EXPECT_TRUE(others.insert(IdentityOf(Line(std::string(kLabels) + ",a=\"1\",b=\"2\""))).second);
  EXPECT_TRUE(others.insert(IdentityOf(Line(std::string(kLabels) + ",a=\"2\",b=\"1\""))).second);
}

// A proxy may be read in another way after a restart: its baselines hold.
TEST(PrometheusReader, IdentityIsTheSameInAllForms) {
  const ReaderOptions options;
  const uint64_t identity = IdentityOf(Line());
  for (const char* name :
       {"istiocustom.istio_requests_total.reporter.source.source_workload.web.source_workload_"
        "namespace.shop.destination_workload.cart.destination_workload_namespace.shop.request_"
        "method.GET.request_path./cart",
        "wasmcustom.source_workload=.=web;.;reporter=.=source;.;source_workload_namespace=.=shop;.;"
        "destination_workload=.=cart;.;destination_workload_namespace=.=shop;.;request_method=.="
        "GET;.;request_path=.=/cart;.;istio_requests_total"}) {
    std::vector<uint64_t> identities;
    StatsJsonReader reader(options, [&](const Series& one) { identities.push_back(one.identity); });
    EXPECT_TRUE(reader.Feed(fmt::format(R"({{"stats":[{{"name":"{}","value":1}}]}})", name)).ok());
    EXPECT_THAT(identities, ElementsAre(identity)) << name;
  }
}

// Stores keep identities: this number must never change.
TEST(PrometheusReader, IdentityIsTheSameForever) {
  EXPECT_EQ(IdentityOf(Line()), 7256188494044663803U);
}

// What a line comes to, with its identity.
std::vector<std::string> Outcomes(const std::vector<std::string>& lines) {
  const ReaderOptions options;
  std::vector<std::string> outcomes;
  PrometheusReader reader(options, [&](const Series& series) {
    outcomes.push_back(
        fmt::format("{} {} {}", SeriesText(series), series.identity, series.response_flags));
  });
  for (const std::string& line : lines) {
    EXPECT_TRUE(reader.Feed(line).ok());
  }
  outcomes.push_back(RefusalsText(reader.Counts()));
  return outcomes;
}

// The reader remembers labels of the line before.
TEST(PrometheusReader, WhatALineComesToDoesNotDependOnTheLineBefore) {
  std::vector<std::string> lines = {Line()};
  for (const std::string more : {R"(x="")",
                                 R"(x="y")",
                                 R"(x="yz")",
                                 R"(x="y",)",
                                 R"(x = "y")",
                                 R"(x= "y")",
                                 R"(x="y" )",
                                 R"(x="\"y")",
                                 R"(x="\\")",
                                 R"(x="\\",y="z")",
                                 R"(x="\")",
                                 R"(x="\a")",
                                 R"(x="a"b")",
                                 R"(x="y"z="w")",
                                 R"(x="y"})",
                                 R"(xy="y")",
                                 R"(request_path="/x")",
                                 R"(request_path="a"b")",
                                 R"(request_path="a",x="b")",
                                 R"(request_url_path="/other")",
                                 R"(reporter="waypoint")",
                                 R"(response_flags="UF")",
                                 R"(response_flags="\"")",
                                 R"(x)",
                                 R"(="y")",
                                 R"(x=)",
                                 R"(x="y)"}) {
    lines.push_back(Line(std::string(kLabels) + "," + more));
    lines.push_back(Line(more + "," + std::string(kLabels)));
  }
  lines.push_back(Line(std::string(kLabels) + ",x=\"" + std::string(300, 'y') + "\""));
  std::string many(kLabels);
  for (int i = 0; i < 100; ++i) {
    many += fmt::format(",x{}=\"{}\"", i, i);
  }
  lines.push_back(Line(many));
  lines.push_back(Line(many + "0"));
  for (const std::string& before : lines) {
    std::vector<std::string> first = Outcomes({before});
    for (const std::string& line : lines) {
      const std::vector<std::string> alone = Outcomes({line});
      const std::vector<std::string> both = Outcomes({before, line});
      EXPECT_EQ(std::vector(both.begin() + (first.size() == 2 ? 1 : 0), both.end() - 1),
                std::vector(alone.begin(), alone.end() - 1))
          << before << line;
      EXPECT_EQ(both.back().size() > first.back().size(), !alone.back().empty()) << before << line;
    }
  }
}

// Whoever runs a pod that passes for a proxy cannot invent calls between others' workloads.
TEST(PrometheusReader, AnEnvoyCountsForItsOwnNamespace) {
  const auto line = [](const char* reporter, const char* source, const char* destination) {
    return Line(fmt::format(R"(reporter="{}",source_workload="a",source_workload_namespace="{}",)"
                            R"(destination_workload="b",destination_workload_namespace="{}")",
                            reporter, source, destination));
  };
  const std::string body = line("source", "shop", "bank") + line("source", "bank", "shop") +
                           line("destination", "bank", "shop") +
                           line("destination", "shop", "bank") +
                           line("destination", "bank", "bank") + line("waypoint", "bank", "bank");
  const ReaderOptions options;
  std::vector<std::string> series;
  PrometheusReader own(
      options, [&](const Series& one) { series.push_back(SeriesText(one)); }, "shop");
  EXPECT_TRUE(own.Feed(body).ok());
  EXPECT_THAT(series, ElementsAre("requests source shop/a -> bank/b - - 1 no labels",
                                  "requests destination bank/a -> shop/b - - 1 no labels",
                                  "requests waypoint bank/a -> bank/b - - 1 no labels"));
  EXPECT_EQ(RefusalsText(own.Counts()), "refused foreign, foreign, foreign");
  PrometheusReader any(options, [](const Series&) {});
  EXPECT_TRUE(any.Feed(body).ok());
  EXPECT_EQ(any.Counts().series, 6U);
}

TEST(PrometheusReader, FoldsIdsWhereAsked) {
  ReaderOptions options;
  options.fold_ids = true;
  std::string path;
  PrometheusReader reader(options, [&](const Series& series) { path = series.path; });
  EXPECT_TRUE(
      reader
          .Feed(Line(R"(reporter="source",source_workload="web",source_workload_namespace="shop",)"
                     R"(destination_workload="cart",destination_workload_namespace="shop",)"
                     R"(request_path="/cart/8731?x")"))
          .ok());
  EXPECT_EQ(path, "/cart/{id}");
}

TEST(ReaderCounts, AddUp) {
  ReaderCounts sum;
  ReaderCounts one;
  one.series = 2;
  one.without_path_label = 3;
  one.refused[static_cast<size_t>(SeriesRefusal::kBadValue)] = 4;
  one.without_resource[static_cast<size_t>(ResourceRefusal::kPathTooLong)] = 5;
  sum += one;
  sum += one;
  EXPECT_EQ(sum.series, 4U);
  EXPECT_EQ(sum.without_path_label, 6U);
  EXPECT_EQ(sum.refused[static_cast<size_t>(SeriesRefusal::kBadValue)], 8U);
  EXPECT_EQ(sum.without_resource[static_cast<size_t>(ResourceRefusal::kPathTooLong)], 10U);
}

}  // namespace
}  // namespace network_mapper::istio
