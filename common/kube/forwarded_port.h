// A TCP connection to a port of a pod, through the API server: pods/portforward over WebSocket, in
// the channel protocol that API servers have had since before 1.23 (v4.channel.k8s.io, as kubelet's
// streaming server speaks it). RBAC: get pods/portforward, and from 1.35 on create as well.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/kube/client.h"
#include "common/kube/web_socket.h"
#include "common/status/status.h"

namespace network_mapper::kube {

struct PodPort {
  std::string name_space;
  std::string pod;
  uint16_t port = 0;
};

class ForwardedPort {
 public:
  // All has to be over within `timeout`.
  static StatusOr<std::unique_ptr<ForwardedPort>> Open(Client& client, const PodPort& target,
                                                       std::chrono::milliseconds timeout);

  Status Write(std::string_view bytes);
  // What has come, at least one byte; empty when the other side has ended the connection.
  StatusOr<std::string> Read();

 private:
  explicit ForwardedPort(std::unique_ptr<WebSocket> socket) : socket_(std::move(socket)) {}

  std::unique_ptr<WebSocket> socket_;
  // By channel: whether the number of the port, which comes first on each, has come.
  std::array<bool, 2> begun_{};
};

}  // namespace network_mapper::kube
