#include "common/metrics/metrics.h"

#include <map>
#include <memory>
#include <mutex>
#include <tuple>
#include <unordered_map>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace network_mapper {

namespace {

class PrometheusCounter final : public Counter {
 public:
  explicit PrometheusCounter(prometheus::Counter& counter) : counter_(counter) {}

  void Increment(double amount) override { counter_.Increment(amount); }

  double Value() const override { return counter_.Value(); }

 private:
  prometheus::Counter& counter_;
};

class PrometheusGauge final : public Gauge {
 public:
  explicit PrometheusGauge(prometheus::Gauge& gauge) : gauge_(gauge) {}

  void Set(double value) override { gauge_.Set(value); }

  double Value() const override { return gauge_.Value(); }

 private:
  prometheus::Gauge& gauge_;
};

}  // namespace

class MetricsRegistry::Implementation {
 public:
  // The same instrument for the same key, made by `make` the first time.
  template <typename Instrument, typename Wrapper, typename Builder>
  Instrument& FindOrAdd(std::map<std::string, std::unique_ptr<Instrument>>& instruments,
                        Builder builder, std::string_view name, std::string_view help,
                        MetricLabels labels) {
    prometheus::Labels label_map(labels.begin(), labels.end());
    std::string key(name);
    for (const auto& [label, value] : label_map) {
      key.append("\n").append(label).append("=").append(value);
    }
    std::lock_guard lock(mutex_);
    std::unique_ptr<Instrument>& slot = instruments[key];
    if (slot == nullptr) {
      auto& family = builder.Name(std::string(name)).Help(std::string(help)).Register(registry_);
      slot = std::make_unique<Wrapper>(family.Add(label_map));
    }
    return *slot;
  }

  std::string RenderText() const {
    return prometheus::TextSerializer().Serialize(registry_.Collect());
  }

  std::map<std::string, std::unique_ptr<Counter>> counters;
  std::map<std::string, std::unique_ptr<Gauge>> gauges;

 private:
  std::mutex mutex_;
  prometheus::Registry registry_{prometheus::Registry::InsertBehavior::Merge};
};

MetricsRegistry::MetricsRegistry() : implementation_(std::make_unique<Implementation>()) {}

MetricsRegistry::~MetricsRegistry() = default;

Counter& MetricsRegistry::AddCounter(std::string_view name, std::string_view help,
                                     MetricLabels labels) {
  return implementation_->FindOrAdd<Counter, PrometheusCounter>(
      implementation_->counters, prometheus::BuildCounter(), name, help, labels);
}

Gauge& MetricsRegistry::AddGauge(std::string_view name, std::string_view help,
                                 MetricLabels labels) {
  return implementation_->FindOrAdd<Gauge, PrometheusGauge>(
      implementation_->gauges, prometheus::BuildGauge(), name, help, labels);
}

std::string MetricsRegistry::RenderText() const {
  return implementation_->RenderText();
}

}  // namespace network_mapper
