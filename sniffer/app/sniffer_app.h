// The sniffer: wires capture, procfs, the report stream and the diagnostics servers, and runs the
// loop. What main calls.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>

#include "common/metrics/metrics.h"
#include "common/status/status.h"
#include "common/time/clock.h"
#include "sniffer/app/sniffer_config.h"

namespace network_mapper::sniffer {

class SnifferApp {
 public:
  // Opens the capture; an unreachable mapper is no error, a taken metrics or health port neither.
  // PermissionDenied without CAP_NET_RAW, with the remedy; without CAP_SYS_PTRACE a warning is
  // logged.
  static StatusOr<std::unique_ptr<SnifferApp>> Create(const SnifferConfig& config,
                                                      const Clock& clock = Clock::System());
  SnifferApp(const SnifferApp&) = delete;
  SnifferApp& operator=(const SnifferApp&) = delete;
  ~SnifferApp();

  // Runs until stop is requested or a capture file has been read, then waits within the configured
  // grace until the mapper has acknowledged what was seen. For a file it is an error when the
  // mapper did not; a stop is never one.
  Status Run(const std::stop_token& stop);

  // Ports that are listened on; 0 where the port was taken.
  uint16_t MetricsPort() const;
  uint16_t HealthPort() const;

 private:
  class Implementation;
  explicit SnifferApp(std::unique_ptr<Implementation> implementation);

  std::unique_ptr<Implementation> implementation_;
};

}  // namespace network_mapper::sniffer
