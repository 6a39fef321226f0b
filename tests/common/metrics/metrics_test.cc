#include "common/metrics/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace network_mapper {
namespace {

using ::testing::HasSubstr;

TEST(MetricsRegistry, RendersThePrometheusTextFormat) {
  MetricsRegistry registry;
  registry.AddCounter("network_mapper_test_things_total", "Things.", {{"reason", "odd"}})
      .Increment(3);
  registry.AddGauge("network_mapper_test_depth", "Depth.").Set(2.5);
  std::string text = registry.RenderText();
  EXPECT_THAT(text, HasSubstr("# TYPE network_mapper_test_things_total counter"));
  EXPECT_THAT(text, HasSubstr("network_mapper_test_things_total{reason=\"odd\"} 3"));
  EXPECT_THAT(text, HasSubstr("network_mapper_test_depth 2.5"));
}

TEST(MetricsRegistry, GivesTheSameInstrumentForTheSameNameAndLabels) {
  MetricsRegistry registry;
  Counter& first = registry.AddCounter("network_mapper_test_total", "T.", {{"a", "1"}, {"b", "2"}});
  Counter& again = registry.AddCounter("network_mapper_test_total", "T.", {{"b", "2"}, {"a", "1"}});
  Counter& other = registry.AddCounter("network_mapper_test_total", "T.", {{"a", "2"}, {"b", "2"}});
  first.Increment();
  EXPECT_EQ(again.Value(), 1);
  EXPECT_EQ(other.Value(), 0);
}

}  // namespace
}  // namespace network_mapper
