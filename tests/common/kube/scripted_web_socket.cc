#include "tests/common/kube/scripted_web_socket.h"

#include <array>

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

namespace network_mapper {

namespace {

uint64_t Number(std::string_view bytes) {
  uint64_t number = 0;
  for (const char byte : bytes) {
    number = number << 8U | static_cast<uint8_t>(byte);
  }
  return number;
}

}  // namespace

std::string WebSocketAcceptance(const ScriptedCall& call) {
  const std::string text =
      call.Header("sec-websocket-key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha1(), nullptr);
  std::array<unsigned char, 4 * (SHA_DIGEST_LENGTH / 3 + 1) + 1> encoded{};
  EVP_EncodeBlock(encoded.data(), digest.data(), static_cast<int>(digest.size()));
  return fmt::format(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: {}\r\nSec-Websocket-Protocol: {}\r\n\r\n",
      reinterpret_cast<const char*>(encoded.data()), call.Header("sec-websocket-protocol"));
}

std::string ServerFrame(uint8_t first, std::string_view payload) {
  std::string frame(1, static_cast<char>(first));
  const bool is_short = payload.size() < 126;
  const size_t length_bytes = payload.size() < 0x10000 ? 2 : 8;
  if (is_short) {
    frame.push_back(static_cast<char>(payload.size()));
  } else {
    frame.push_back(static_cast<char>(length_bytes == 2 ? 126 : 127));
    for (size_t i = length_bytes; i-- > 0;) {
      frame.push_back(static_cast<char>(uint64_t{payload.size()} >> (8 * i)));
    }
  }
  return frame.append(payload);
}

bool ClientFrames::Have(size_t size) {
  while (buffer_.size() < size) {
    const std::string more = wire_.Read();
    if (more.empty()) {
      return false;
    }
    buffer_ += more;
  }
  return true;
}

std::optional<ClientFrame> ClientFrames::Next() {
  constexpr size_t kMask = 4;
  if (!Have(2) || (static_cast<uint8_t>(buffer_[1]) & 0x80U) == 0) {
    return std::nullopt;
  }
  uint64_t size = static_cast<uint8_t>(buffer_[1]) & 0x7FU;
  size_t at = 2;
  if (size >= 126) {
    const size_t more = size == 126 ? 2 : 8;
    if (!Have(at + more)) {
      return std::nullopt;
    }
    size = Number(std::string_view(buffer_).substr(at, more));
    at += more;
  }
  if (!Have(at + kMask + size)) {
    return std::nullopt;
  }
  ClientFrame frame{.first = static_cast<uint8_t>(buffer_[0]), .payload = ""};
  for (size_t i = 0; i < size; ++i) {
    frame.payload.push_back(static_cast<char>(buffer_[at + kMask + i] ^ buffer_[at + i % kMask]));
  }
  buffer_.erase(0, at + kMask + size);
  return frame;
}

}  // namespace network_mapper
