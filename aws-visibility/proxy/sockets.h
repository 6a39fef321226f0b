// The few things that the proxy does with sockets beside moving bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/net/ip_address.h"

namespace network_mapper::aws {

enum class SocketState : uint8_t { kConnecting, kConnected, kFailed };

// A non-blocking socket on its way, which the caller owns; -1: refused at once.
int StartConnecting(const IpAddress& address, uint16_t port);
SocketState ConnectionState(int fd);
// The address that the peer of a connection reached us at.
std::optional<IpAddress> LocalAddress(int fd);
// No delay for small messages, and a look every now and then whether a silent peer is still there.
void PrepareForRelay(int fd);
// Closes it so that the peer sees a reset.
void ResetSocket(int fd);
// A fatal alert in plain TLS, for a client that was not answered yet (RFC 8446 6); best effort.
void SendAlert(int fd, int alert);
// Of a list as in RFC 7301 3.1 what a server of plain HTTP would choose; empty: nothing.
std::string PreferredProtocol(std::string_view protocols);

}  // namespace network_mapper::aws
