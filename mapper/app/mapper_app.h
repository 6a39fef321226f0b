// The mapper: wires inventory, resolver, intent store, pipeline, report server and API. What main
// calls.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>

#include "common/metrics/metrics.h"
#include "common/status/status.h"
#include "common/time/clock.h"
#include "mapper/app/mapper_config.h"

namespace network_mapper {

class MapperApp {
 public:
  // Listens on the API's and the report stream's port when it returns. An API server that cannot be
  // reached is no error: the mapper answers what it knows and says so in /readyz.
  static StatusOr<std::unique_ptr<MapperApp>> Create(const MapperConfig& config,
                                                     const Clock& clock = Clock::System());
  MapperApp(const MapperApp&) = delete;
  MapperApp& operator=(const MapperApp&) = delete;
  ~MapperApp();

  // Until stop is requested; then takes no more reports, applies what is queued and ends, within
  // the configured grace.
  void Run(const std::stop_token& stop);

  uint16_t ApiPort() const;
  // 0: none.
  uint16_t ReadOnlyPort() const;
  uint16_t ReportPort() const;
  // 0 when the port was taken.
  uint16_t MetricsPort() const;

 private:
  class Implementation;
  explicit MapperApp(std::unique_ptr<Implementation> implementation);

  std::unique_ptr<Implementation> implementation_;
};

}  // namespace network_mapper
