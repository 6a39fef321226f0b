// The AWS visibility webhook: wires its certificate, what it knows of the cluster, and the servers.
// What main calls.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>

#include "aws-visibility/app/webhook_config.h"
#include "common/status/status.h"

namespace network_mapper::aws {

class WebhookApp {
 public:
  // The API server need not be reachable.
  static StatusOr<std::unique_ptr<WebhookApp>> Create(const WebhookConfig& config);
  WebhookApp(const WebhookApp&) = delete;
  WebhookApp& operator=(const WebhookApp&) = delete;
  ~WebhookApp();

  // Until stop is requested; then requests that run are answered.
  Status Run(const std::stop_token& stop);

  uint16_t WebhookPort() const;
  // 0 where the port was taken.
  uint16_t HealthPort() const;
  uint16_t MetricsPort() const;

 private:
  class Implementation;
  explicit WebhookApp(std::unique_ptr<Implementation> implementation);

  std::unique_ptr<Implementation> implementation_;
};

}  // namespace network_mapper::aws
