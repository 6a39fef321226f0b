#include "aws-visibility/proxy/sockets.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace network_mapper::aws {

namespace {

// After so long without a byte the kernel asks the peer, and how often in vain: about two minutes.
constexpr int kKeepAliveSeconds = 60;
constexpr int kKeepAliveInterval = 15;
constexpr int kKeepAliveProbes = 4;

void SetOption(int fd, int level, int option, int value) {
  setsockopt(fd, level, option, &value, sizeof(value));
}

socklen_t MakeSocketAddress(const IpAddress& address, uint16_t port, sockaddr_storage& storage) {
  if (address.IsV4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, address.Bytes().data(), sizeof(v4.sin_addr));
    std::memcpy(&storage, &v4, sizeof(v4));
    return sizeof(v4);
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  std::memcpy(&v6.sin6_addr, address.Bytes().data(), sizeof(v6.sin6_addr));
  std::memcpy(&storage, &v6, sizeof(v6));
  return sizeof(v6);
}

}  // namespace

int StartConnecting(const IpAddress& address, uint16_t port) {
  sockaddr_storage storage{};
  const socklen_t size = MakeSocketAddress(address, port, storage);
  const int fd = socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return -1;
  }
  PrepareForRelay(fd);
  if (connect(fd, reinterpret_cast<sockaddr*>(&storage), size) != 0 && errno != EINPROGRESS) {
    close(fd);
    return -1;
  }
  return fd;
}

SocketState ConnectionState(int fd) {
  int error = 0;
  socklen_t size = sizeof(error);
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
    return SocketState::kFailed;
  }
  pollfd waiting{.fd = fd, .events = POLLOUT, .revents = 0};
  return poll(&waiting, 1, 0) == 1 ? SocketState::kConnected : SocketState::kConnecting;
}

std::optional<IpAddress> LocalAddress(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) {
    return std::nullopt;
  }
  return IpAddress::FromSocketAddress(storage);
}

void PrepareForRelay(int fd) {
  SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  SetOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, kKeepAliveSeconds);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, kKeepAliveInterval);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPCNT, kKeepAliveProbes);
}

void ResetSocket(int fd) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  close(fd);
}

void SendAlert(int fd, int alert) {
  constexpr char kAlertRecord = 21;
  constexpr char kFatal = 2;
  const std::array<char, 7> record = {kAlertRecord, 3, 3, 0, 2, kFatal, static_cast<char>(alert)};
  (void)send(fd, record.data(), record.size(), MSG_NOSIGNAL);
}

std::string PreferredProtocol(std::string_view protocols) {
  std::string chosen;
  while (!protocols.empty()) {
    const auto size = static_cast<unsigned char>(protocols.front());
    const std::string_view name = protocols.substr(1, size);
    if (name == "http/1.1" || (name == "h2" && chosen.empty())) {
      chosen = name;
    }
    protocols.remove_prefix(std::min<size_t>(size_t{size} + 1, protocols.size()));
  }
  return chosen;
}

}  // namespace network_mapper::aws
