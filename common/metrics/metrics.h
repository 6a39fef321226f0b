// Prometheus counters and gauges. A module declares its instruments once as a struct of references
// obtained from a Registry that is passed in; there is no global registry. Names are
// network_mapper_<component>_<what>_<unit>[_total]; label values come from closed sets, never from
// pods, addresses or host names.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace network_mapper {

class Counter {
 public:
  virtual ~Counter() = default;
  // `amount` must not be negative. Thread-safe.
  virtual void Increment(double amount = 1) = 0;
  virtual double Value() const = 0;
};

class Gauge {
 public:
  virtual ~Gauge() = default;
  // Thread-safe.
  virtual void Set(double value) = 0;
  virtual double Value() const = 0;
};

using MetricLabels = std::initializer_list<std::pair<std::string, std::string>>;

// Owns its instruments: references stay valid as long as the registry. Thread-safe. Asking twice
// for the same name and labels yields the same instrument.
class MetricsRegistry {
 public:
  MetricsRegistry();
  MetricsRegistry(const MetricsRegistry&) = delete;
  MetricsRegistry& operator=(const MetricsRegistry&) = delete;
  ~MetricsRegistry();

  Counter& AddCounter(std::string_view name, std::string_view help, MetricLabels labels = {});
  Gauge& AddGauge(std::string_view name, std::string_view help, MetricLabels labels = {});

  // Prometheus text exposition format 0.0.4, what GET /metrics answers.
  std::string RenderText() const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace network_mapper
