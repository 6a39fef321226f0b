// The AWS proxy: wires the certificate authority, the proxy, the book of calls, the report stream
// and the diagnostics servers. What main calls.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>

#include "aws-visibility/app/proxy_config.h"
#include "common/status/status.h"
#include "common/time/clock.h"

namespace network_mapper::aws {

class ProxyApp {
 public:
  // Neither mapper nor AWS need be reachable, and the API server may come later: until there is an
  // authority, clients' handshakes fail and /readyz says so. Errors: settings, a taken port.
  static StatusOr<std::unique_ptr<ProxyApp>> Create(const ProxyConfig& config,
                                                    const Clock& clock = Clock::System());
  ProxyApp(const ProxyApp&) = delete;
  ProxyApp& operator=(const ProxyApp&) = delete;
  ~ProxyApp();

  // Until stop is requested; then lets connections end, and reports what they did, within the
  // grace.
  Status Run(const std::stop_token& stop);

  uint16_t ProxyPort() const;
  // 0 where the port was taken.
  uint16_t MetricsPort() const;
  uint16_t HealthPort() const;

 private:
  class Implementation;
  explicit ProxyApp(std::unique_ptr<Implementation> implementation);

  std::unique_ptr<Implementation> implementation_;
};

}  // namespace network_mapper::aws
