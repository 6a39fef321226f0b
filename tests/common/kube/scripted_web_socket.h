// The server's side of a WebSocket, for scripts of ScriptedServer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tests/common/kube/scripted_server.h"

namespace network_mapper {

// The answer 101 to an opening request.
std::string WebSocketAcceptance(const ScriptedCall& call);

// A frame as servers send it: `first` is the byte of flags and opcode, such as 0x82.
std::string ServerFrame(uint8_t first, std::string_view payload);

struct ClientFrame {
  uint8_t first = 0;
  std::string payload;
};

class ClientFrames {
 public:
  explicit ClientFrames(const ScriptedWire& wire) : wire_(wire) {}

  // Absent when the client has hung up, or sent something that is not masked.
  std::optional<ClientFrame> Next();

 private:
  bool Have(size_t size);

  const ScriptedWire& wire_;
  std::string buffer_;
};

}  // namespace network_mapper
