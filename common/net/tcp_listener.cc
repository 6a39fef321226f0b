#include "common/net/tcp_listener.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include <fmt/format.h>

namespace network_mapper {

namespace {

constexpr int kBacklog = 512;

std::string CauseAndRemedy(int error, uint16_t port) {
  switch (error) {
    case EADDRINUSE:
      return fmt::format(
          "taken by another process (ss -ltnp 'sport = :{}' names it): stop that one, or choose "
          "another port",
          port);
    case EACCES:
      return "ports below 1024 need CAP_NET_BIND_SERVICE: choose a higher one";
    default:
      return std::strerror(error);
  }
}

StatusOr<TcpListener> ListenOn(const std::string& host, uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  std::string service = std::to_string(port);
  if (int error = getaddrinfo(host.c_str(), service.c_str(), &hints, &found); error != 0) {
    return InvalidArgument("address {}: {}", host, gai_strerror(error));
  }
  std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);
  int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    return ErrnoStatus(errno, "create socket");
  }
  int on = 1;
  int off = 0;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (found->ai_family == AF_INET6) {
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
  }
  if (bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, kBacklog) != 0) {
    int error = errno;
    close(fd);
    return Unavailable("listen on port {}: {}", port, CauseAndRemedy(error, port));
  }
  sockaddr_storage bound{};
  socklen_t size = sizeof(bound);
  getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size);
  // sin_port and sin6_port are at the same place.
  uint16_t network_order = 0;
  std::memcpy(&network_order, reinterpret_cast<const char*>(&bound) + sizeof(sa_family_t),
              sizeof(network_order));
  return TcpListener{.fd = fd, .port = ntohs(network_order)};
}

}  // namespace

StatusOr<TcpListener> ListenOnTcp(const std::string& host, uint16_t port) {
  StatusOr<TcpListener> listener = ListenOn(host.empty() ? "::" : host, port);
  // A node may have no IPv6 at all.
  if (!listener.ok() && host.empty()) {
    listener = ListenOn("0.0.0.0", port);
  }
  return listener;
}

}  // namespace network_mapper
