#include "istio-watcher/metrics/stats_json_reader.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/istio-watcher/metrics/series_text.h"

namespace network_mapper::istio {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view kName =
    "istiocustom.istio_requests_total.reporter.source.source_workload.web.source_workload_"
    "namespace.shop.destination_workload.cart.destination_workload_namespace.shop.connection_"
    "security_policy.unknown.request_method.GET.request_path./";

struct Result {
  std::vector<std::string> series;
  ReaderCounts counts;
  std::string error;
};

Result Read(std::string_view body, size_t chunk = std::string::npos, ReaderOptions options = {}) {
  Result result;
  StatsJsonReader reader(options,
                         [&](const Series& one) { result.series.push_back(SeriesText(one)); });
  Status status;
  for (size_t i = 0; i < body.size() && status.ok(); i += std::min(chunk, body.size())) {
    status = reader.Feed(body.substr(i, chunk));
  }
  if (status.ok()) {
    status = reader.Finish();
  }
  result.error = status.ok() ? "" : StatusMessage(status);
  result.counts = reader.Counts();
  return result;
}

std::string Stats(std::string_view entries) {
  return fmt::format(R"({{"stats":[{}]}})", entries);
}

TEST(StatsJsonReader, PassesOverEverythingElse) {
  const std::string body = fmt::format(
      R"({{"stats":[{{"name":"istiocustom.istio_build.component.proxy.tag.1.24.2","value":1}},)"
      R"({{"value":7,"name":"{}"}},{{"name":"x.text","value":"abc"}},)"
      R"({{"histograms":{{"supported_quantiles":[0,50],"computed_quantiles":[]}}}}]}})",
      kName);
  for (const size_t chunk : {size_t{1}, size_t{3}, body.size()}) {
    const Result result = Read(body, chunk);
    EXPECT_EQ(result.error, "");
    EXPECT_THAT(result.series, ElementsAre("requests source shop/web -> shop/cart GET / 7"));
    EXPECT_EQ(RefusalsText(result.counts), "");
  }
}

TEST(StatsJsonReader, TakesEntriesOfTheArrayOnly) {
  const std::string entry = fmt::format(R"({{"name":"{}","value":7}})", kName);
  for (const std::string& body :
       {std::string("{}"), Stats(""), std::string("[]"), std::string("7\n"), std::string(" null "),
        std::string(R"("a string")"), "[" + entry + "]", entry, R"({"other":[)" + entry + "]}",
        R"({"stats":)" + entry + "}", R"({"stats":{"a":[)" + entry + "]}}",
        Stats("[" + entry + "]"), Stats(R"({"histograms":)" + entry + "}"),
        R"({"stats":[],"more":[)" + entry + "]}", R"({"a":{"stats":[)" + entry + "]}}"}) {
    const Result result = Read(body);
    EXPECT_EQ(result.error, "") << body;
    EXPECT_THAT(result.series, IsEmpty()) << body;
    EXPECT_EQ(RefusalsText(result.counts), "") << body;
  }
}

TEST(StatsJsonReader, ReadsAnyJson) {
  std::string escaped;
  for (const char c : kName) {
    escaped += fmt::format("\\u{:04x}", static_cast<int>(c));
  }
  for (const std::string& entry :
       {fmt::format(
            R"( {{ "\u006eame" : "{}" , "value" : 7 , "x" : [1,-2.5e3,true,null,"y\"]"] }} )",
            escaped),
        fmt::format(R"({{"x":{{"name":"y","value":1}},"value":7.0,"name":"{}"}})", kName)}) {
    const Result result = Read("\n" + Stats(entry) + "\n");
    EXPECT_EQ(result.error, "") << entry;
    EXPECT_THAT(result.series, ElementsAre("requests source shop/web -> shop/cart GET / 7"));
  }
  const Result pair =
      Read(Stats(fmt::format(R"({{"name":"{}\ud83d\ude00\u00e9\u20ac","value":7}})", kName)));
  EXPECT_THAT(pair.series, ElementsAre("requests source shop/web -> shop/cart GET "
                                       "/\xF0\x9F\x98\x80\xC3\xA9\xE2\x82\xAC 7"));
}

TEST(StatsJsonReader, CountsBadValues) {
  for (const char* value : {"-1", "1.5", "1e300", "null", "true", "281474976710657"}) {
    const Result result = Read(Stats(fmt::format(R"({{"name":"{}","value":{}}})", kName, value)));
    EXPECT_EQ(result.error, "") << value;
    EXPECT_EQ(RefusalsText(result.counts), "refused bad_value") << value;
  }
}

TEST(StatsJsonReader, SaysWhatIsNoJson) {
  for (const auto& [body, error] : std::vector<std::pair<std::string, std::string>>{
           {"", "breaks off"},
           {"{", "breaks off"},
           {R"({"a)", "breaks off"},
           {"{}}", "something follows"},
           {"{} {}", "something follows"},
           {"{1}", "a key is missing"},
           {R"({"a"})", "a colon is missing"},
           {R"({"a":})", "a value is missing"},
           {R"({"a":1,})", "a key is missing"},
           {R"({"a":1]})", "a comma is missing"},
           {"[1 2]", "a comma is missing"},
           {"[1,]", "a value is missing"},
           {"[1}", "a comma is missing"},
           {"[x1]", "neither a number"},
           {"[nan]", "neither a number"},
           {"[-]", "neither a number"},
           {"[+1]", "a value is missing"},
           {R"({"\x":1})", "a bad escape"},
           {R"({"\u12":1})", "a bad escape"},
           {R"({"\ud800":1})", "a bad escape"},
           {R"({"\ude00":1})", "a bad escape"},
           {R"({"\ud800\u0041":1})", "a bad escape"},
           {"<html>", "a value is missing"},
           {std::string(65, '['), "nested too deeply"},
           {"[" + std::string(65, '1') + "]", "too long"}}) {
    EXPECT_THAT(Read(body).error, HasSubstr(error)) << body;
  }
  EXPECT_EQ(Read(std::string(64, '[') + std::string(64, ']')).error, "");
}

TEST(StatsJsonReader, BoundsTheBodyAndTheEntry) {
  ReaderOptions options;
  options.max_line = 300;
  options.max_body = 4000;
  const std::string entry = fmt::format(R"({{"name":"{}","value":7}})", kName);
  const std::string long_entry =
      fmt::format(R"({{"name":"{}{}","value":7}})", kName, std::string(300, 'x'));
  const std::string body = Stats(long_entry + "," + entry);
  for (const size_t chunk : {size_t{1}, body.size()}) {
    const Result result = Read(body, chunk, options);
    EXPECT_EQ(result.error, "");
    EXPECT_EQ(result.series.size(), 1U);
    EXPECT_EQ(RefusalsText(result.counts), "refused too_long");
  }
  EXPECT_THAT(Read(std::string(4001, ' '), 100, options).error, HasSubstr("longer than 4000"));
}

}  // namespace
}  // namespace network_mapper::istio
