#include "common/kube/web_socket.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "common/http/response_head.h"
#include "common/kube/base64.h"

namespace network_mapper::kube {

namespace {

constexpr int kSwitchingProtocols = 101;
constexpr size_t kLargestMessage = size_t{16} << 20U;
constexpr size_t kLargestErrorBody = size_t{64} << 10U;
// RFC 6455, section 1.3.
constexpr std::string_view kAcceptSuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

template <size_t kSize>
StatusOr<std::array<uint8_t, kSize>> RandomBytes() {
  std::array<uint8_t, kSize> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
    return Internal("OpenSSL has no random bytes");
  }
  return bytes;
}

StatusOr<std::string> RandomKey() {
  constexpr size_t kSize = 16;
  ASSIGN_OR_RETURN(const auto bytes, RandomBytes<kSize>());
  return EncodeBase64(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

StatusOr<std::string> AcceptFor(const std::string& key) {
  const std::string text = key + std::string(kAcceptSuffix);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr) != 1) {
    return Internal("OpenSSL has no SHA-1");
  }
  return EncodeBase64(std::string_view(reinterpret_cast<const char*>(digest.data()), size));
}

std::string HostField(const HttpEndpoint& endpoint) {
  const bool is_v6 = endpoint.host.find(':') != std::string::npos;
  return fmt::format("{}:{}", is_v6 ? fmt::format("[{}]", endpoint.host) : endpoint.host,
                     endpoint.port);
}

std::string OpeningRequest(const HttpEndpoint& endpoint, const HttpRequest& request,
                           std::string_view subprotocol, std::string_view key) {
  std::string text = fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\nSec-WebSocket-Protocol: {}\r\n",
      request.path, HostField(endpoint), key, subprotocol);
  for (const auto& [name, value] : request.headers) {
    text += fmt::format("{}: {}\r\n", name, value);
  }
  return text + "\r\n";
}

// The body of a refusal, as far as it comes: to its length, or to the end of the connection.
std::string ErrorBody(ByteStream& stream, const ResponseHead& head, std::string body) {
  const size_t wanted =
      std::min(head.ContentLength().value_or(kLargestErrorBody), kLargestErrorBody);
  while (body.size() < wanted) {
    StatusOr<std::string> more = stream.Read();
    if (!more.ok() || more->empty()) {
      break;
    }
    body += *more;
  }
  return body.substr(0, wanted);
}

}  // namespace

WebSocket::WebSocket(std::unique_ptr<ByteStream> stream)
    : stream_(std::move(stream)), reader_(kLargestMessage) {}

StatusOr<WebSocket::Answer> WebSocket::Open(std::unique_ptr<ByteStream> stream,
                                            const HttpEndpoint& endpoint,
                                            const HttpRequest& request,
                                            std::string_view subprotocol) {
  ASSIGN_OR_RETURN(const std::string key, RandomKey());
  ASSIGN_OR_RETURN(const std::string accept, AcceptFor(key));
  RETURN_IF_ERROR(stream->Write(OpeningRequest(endpoint, request, subprotocol, key)));
  std::string received;
  std::optional<ResponseHead> head;
  while (!head) {
    ASSIGN_OR_RETURN(const std::string more, stream->Read());
    if (more.empty()) {
      return Unavailable("the server closed the connection without an answer");
    }
    received += more;
    ASSIGN_OR_RETURN(head, ParseResponseHead(received));
  }
  std::string rest = received.substr(head->size);
  Answer answer;
  answer.http_code = head->code;
  if (head->code != kSwitchingProtocols) {
    answer.body = ErrorBody(*stream, *head, std::move(rest));
    return answer;
  }
  if (head->Header("sec-websocket-accept") != accept ||
      head->Header("sec-websocket-protocol") != subprotocol) {
    return Unavailable("the server does not speak {} over WebSocket", subprotocol);
  }
  answer.socket.reset(new WebSocket(std::move(stream)));
  answer.socket->reader_.Push(rest);
  return answer;
}

Status WebSocket::Send(std::string_view message) {
  ASSIGN_OR_RETURN(const FrameMask mask, RandomBytes<sizeof(FrameMask)>());
  return stream_->Write(EncodeMessage(MessageKind::kBinary, message, mask));
}

StatusOr<std::optional<std::string>> WebSocket::Receive() {
  while (true) {
    ASSIGN_OR_RETURN(std::optional<Message> message, reader_.Next());
    if (!message) {
      ASSIGN_OR_RETURN(const std::string more, stream_->Read());
      if (more.empty()) {
        return std::optional<std::string>();
      }
      reader_.Push(more);
    } else if (message->kind == MessageKind::kPing) {
      ASSIGN_OR_RETURN(const FrameMask mask, RandomBytes<sizeof(FrameMask)>());
      RETURN_IF_ERROR(stream_->Write(EncodeMessage(MessageKind::kPong, message->payload, mask)));
    } else if (message->kind == MessageKind::kClose) {
      return std::optional<std::string>();
    } else if (message->kind != MessageKind::kPong) {
      return std::optional(std::move(message->payload));
    }
  }
}

}  // namespace network_mapper::kube
