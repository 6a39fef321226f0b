// Every sample of tests/testdata/istio/series.txt, in one piece and cut everywhere.
#include <cctype>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/text/json_string.h"
#include "istio-watcher/metrics/prometheus_reader.h"
#include "istio-watcher/metrics/stats_json_reader.h"
#include "tests/istio-watcher/metrics/series_text.h"
#include "tests/support/test_paths.h"

namespace network_mapper::istio {
namespace {

struct Sample {
  std::string title;
  std::string kind;
  std::string text;
  std::string result;
};

// "<a*1024>" becomes so many of that letter.
std::string Expand(const std::string& text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '<' && i + 2 < text.size() && text[i + 2] == '*') {
      const size_t end = text.find('>', i);
      result.append(std::stoul(text.substr(i + 3, end - i - 3)), text[i + 1]);
      i = end;
    } else {
      result += text[i];
    }
  }
  return result;
}

// "\xNN" becomes that byte.
std::string Unescape(const std::string& text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.compare(i, 2, "\\x") == 0) {
      result += static_cast<char>(std::stoi(text.substr(i + 2, 2), nullptr, 16));
      i += 3;
    } else {
      result += text[i];
    }
  }
  return result;
}

std::vector<Sample> ReadSamples() {
  std::ifstream file(TestDataPath("istio/series.txt"));
  std::vector<Sample> samples;
  for (Sample sample; std::getline(file, sample.title);) {
    if (sample.title.empty() || sample.title[0] == '#') {
      continue;
    }
    std::getline(file, sample.text);
    std::getline(file, sample.result);
    sample.kind = sample.text.substr(0, sample.text.find(' '));
    sample.text = Expand(sample.text.substr(sample.kind.size() + 1));
    sample.result = Expand(sample.result);
    if (sample.kind == "escaped") {
      sample.text = Unescape(sample.text);
    }
    samples.push_back(sample);
  }
  return samples;
}

template <typename Reader>
std::string ReadBody(const std::string& body, const ReaderOptions& options, size_t chunk) {
  std::string result;
  Reader reader(options, [&](const Series& series) { result += SeriesText(series); });
  for (size_t i = 0; i < body.size(); i += chunk) {
    Status status = reader.Feed(std::string_view(body).substr(i, chunk));
    EXPECT_TRUE(status.ok()) << status;
  }
  Status status = reader.Finish();
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(reader.Counts().series, result.empty() ? 0U : 1U);
  result += RefusalsText(reader.Counts());
  return result.empty() ? "nothing" : result;
}

std::string ReadSample(const Sample& sample, size_t chunk) {
  ReaderOptions options;
  if (sample.kind == "stat") {
    const std::string body =
        R"({"stats":[{"name":")" + EscapeJson(sample.text) + R"(","value":1}]})";
    return ReadBody<StatsJsonReader>(body, options, chunk);
  }
  if (sample.kind == "plain-envoy") {
    options.metric_prefix = "envoy_istiocustom_";
  }
  return ReadBody<PrometheusReader>("# TYPE x counter\n" + sample.text + "\nx 1\n", options, chunk);
}

TEST(SeriesSamples, GiveWhatTheyShould) {
  const std::vector<Sample> samples = ReadSamples();
  EXPECT_GE(samples.size(), 120U);
  for (const Sample& sample : samples) {
    EXPECT_EQ(ReadSample(sample, std::string::npos / 2), sample.result) << sample.title;
    EXPECT_EQ(ReadSample(sample, 1), sample.result) << sample.title << ", byte by byte";
    EXPECT_EQ(ReadSample(sample, 7), sample.result) << sample.title << ", in sevens";
  }
}

// What a body that is cut within a sample gives is either an error, or a result that the whole
// could not take back: never another series.
TEST(SeriesSamples, CutAnywhereGiveNothingElse) {
  const ReaderOptions options;
  for (const Sample& sample : ReadSamples()) {
    if (sample.text.size() > 10'000 || sample.kind == "plain-envoy") {
      continue;
    }
    const bool is_stat = sample.kind == "stat";
    const std::string body =
        is_stat ? R"({"stats":[{"name":")" + EscapeJson(sample.text) + R"(","value":17}]})"
                : sample.text + "\n";
    for (size_t size = 0; size < body.size(); ++size) {
      size_t series = 0;
      bool ended_well = false;
      const auto read = [&](auto&& reader) {
        ended_well =
            reader.Feed(std::string_view(body).substr(0, size)).ok() && reader.Finish().ok();
      };
      const auto count = [&](const Series& one) { series += is_stat && one.value == 17 ? 0 : 1; };
      if (is_stat) {
        read(StatsJsonReader(options, count));
        EXPECT_FALSE(ended_well) << sample.title << " at " << size;
      } else {
        read(PrometheusReader(options, count));
      }
      EXPECT_EQ(series, 0U) << sample.title << " at " << size;
    }
  }
}

}  // namespace
}  // namespace network_mapper::istio
