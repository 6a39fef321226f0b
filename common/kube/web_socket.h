// A WebSocket connection to an API server (RFC 6455), opened by Client. It answers pings by itself.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/kube/byte_stream.h"
#include "common/kube/http_connection.h"
#include "common/kube/web_socket_frames.h"
#include "common/status/status.h"

namespace network_mapper::kube {

class WebSocket {
 public:
  // What the server said: a socket, or the code and body of an answer other than 101.
  struct Answer {
    std::unique_ptr<WebSocket> socket;
    int http_code = 0;
    std::string body;
  };

  // `request` is a GET without a body; the head fields of WebSocket are added.
  static StatusOr<Answer> Open(std::unique_ptr<ByteStream> stream, const HttpEndpoint& endpoint,
                               const HttpRequest& request, std::string_view subprotocol);

  Status Send(std::string_view message);
  // The next message, of text or binary; absent when the server has closed.
  StatusOr<std::optional<std::string>> Receive();

 private:
  explicit WebSocket(std::unique_ptr<ByteStream> stream);

  std::unique_ptr<ByteStream> stream_;
  MessageReader reader_;
};

}  // namespace network_mapper::kube
