// The Kafka watcher: wires the source of logs, the saved state, the report stream and the
// diagnostics servers, and runs the loop. What main calls.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>

#include "common/status/status.h"
#include "common/time/clock.h"
#include "kafka-watcher/app/watcher_config.h"

namespace network_mapper::kafka {

class WatcherApp {
 public:
  // Reads the saved state, for which the API server, if the state is in a ConfigMap, is waited for
  // until stop is requested; the mapper need not be reachable.
  static StatusOr<std::unique_ptr<WatcherApp>> Create(const WatcherConfig& config,
                                                      const std::stop_token& stop,
                                                      const Clock& clock = Clock::System());
  WatcherApp(const WatcherApp&) = delete;
  WatcherApp& operator=(const WatcherApp&) = delete;
  ~WatcherApp();

  // Until stop is requested; then waits within the grace for the mapper's acknowledgement. Errors:
  // another watcher uses the state, or it is not the newest.
  Status Run(const std::stop_token& stop);

  // Ports that are listened on; 0 where the port was taken.
  uint16_t MetricsPort() const;
  uint16_t HealthPort() const;

 private:
  class Implementation;
  explicit WatcherApp(std::unique_ptr<Implementation> implementation);

  std::unique_ptr<Implementation> implementation_;
};

}  // namespace network_mapper::kafka
