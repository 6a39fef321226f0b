// What a TLS client asks for before anything is encrypted: the server's name and the application
// protocols. RFC 8446 4.1.2 (message), RFC 6066 3 (server_name), RFC 7301 3.1 (ALPN). A pure
// function over bytes of strangers; it looks at nothing else and keeps nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace network_mapper::aws {

// Clients send half a KiB to two KiB; more than this is refused.
inline constexpr size_t kLargestClientHello = size_t{32} * 1024;

enum class HelloState : uint8_t {
  kComplete,
  // So far it is the beginning of one.
  kNeedsMore,
  // Not a TLS handshake at all.
  kNotTls,
  // A handshake that makes no sense, or is too large.
  kMalformed,
};

struct ClientHello {
  HelloState state = HelloState::kNeedsMore;
  // In lower case; empty: none was sent.
  std::string server_name;
  // The list of protocol names as it was sent, each with its length in front: what OpenSSL takes.
  // Empty: none was sent.
  std::string protocols;
};

// `bytes`: all that the client sent so far, from the first on.
ClientHello ReadClientHello(std::string_view bytes);

}  // namespace network_mapper::aws
