#include "common/kube/forwarded_port.h"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "common/kube/paths.h"

namespace network_mapper::kube {

namespace {

constexpr std::string_view kSubprotocol = "v4.channel.k8s.io";
// The first byte of every message. Others are not used with one port.
constexpr uint8_t kData = 0;
constexpr uint8_t kError = 1;

}  // namespace

StatusOr<std::unique_ptr<ForwardedPort>> ForwardedPort::Open(Client& client, const PodPort& target,
                                                             std::chrono::milliseconds timeout) {
  const std::string path =
      fmt::format("/api/v1/namespaces/{}/pods/{}/portforward?ports={}",
                  PercentEncode(target.name_space), PercentEncode(target.pod), target.port);
  ASSIGN_OR_RETURN(std::unique_ptr<WebSocket> socket,
                   client.OpenWebSocket(path, kSubprotocol, timeout));
  return std::unique_ptr<ForwardedPort>(new ForwardedPort(std::move(socket)));
}

Status ForwardedPort::Write(std::string_view bytes) {
  return socket_->Send(std::string(1, kData) + std::string(bytes));
}

StatusOr<std::string> ForwardedPort::Read() {
  while (true) {
    ASSIGN_OR_RETURN(std::optional<std::string> message, socket_->Receive());
    if (!message) {
      return std::string();
    }
    const uint8_t channel = message->empty() ? kData : static_cast<uint8_t>(message->front());
    if (channel != kData && channel != kError) {
      return Unavailable("the node sent something on a channel that nobody asked for");
    }
    if (!std::exchange(begun_[channel], true) || message->size() < 2) {
      continue;
    }
    message->erase(0, 1);
    if (channel == kError) {
      return Unavailable("the node cannot forward the port: {}", *message);
    }
    return *std::move(message);
  }
}

}  // namespace network_mapper::kube
