// A connection to an API server, plain or TLS 1.2+, as bytes: for WebSocket, since cpp-httplib
// gives a connection away to nobody. Used by WebSocket only.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "common/kube/http_connection.h"
#include "common/status/status.h"
#include "common/time/clock.h"

namespace network_mapper::kube {

class ByteStream {
 public:
  // All reading and writing has to end by `deadline`; what has not is DeadlineExceeded. It ends
  // soon after a request for stop, with Cancelled.
  static StatusOr<std::unique_ptr<ByteStream>> Connect(const HttpEndpoint& endpoint,
                                                       SteadyTime deadline,
                                                       const std::stop_token& stop = {});
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;
  ~ByteStream();

  Status Write(std::string_view bytes);
  // What has come, at least one byte; empty when the server has ended the connection.
  StatusOr<std::string> Read();

 private:
  class Implementation;
  explicit ByteStream(std::unique_ptr<Implementation> implementation);

  std::unique_ptr<Implementation> implementation_;
};

}  // namespace network_mapper::kube
