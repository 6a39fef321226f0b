#include "mapper/ingest/peer_connections.h"

#include <netinet/in.h>

#include <chrono>
#include <cstring>

namespace network_mapper {

namespace {

// Looking at thousands of connections for each that is refused would cost more than they do.
constexpr std::chrono::seconds kLookInterval{1};

// IPv4 and IPv6 have it in the same place.
uint16_t PortOf(const sockaddr_storage& address) {
  sockaddr_in ip{};
  std::memcpy(&ip, &address, sizeof(ip));
  return ntohs(ip.sin_port);
}

}  // namespace

PeerConnections::Connection PeerConnections::From(const sockaddr_storage& address) {
  return {.peer = IpAddress::FromSocketAddress(address).value_or(IpAddress()),
          .port = PortOf(address),
          .noted = true};
}

// The number may be another connection's or a file's by now.
bool PeerConnections::IsOpen(int fd, const Connection& connection) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return false;
  }
  const Connection now = From(address);
  return now.peer == connection.peer && now.port == connection.port;
}

bool PeerConnections::Add(int fd, const sockaddr_storage& address, SteadyTime now) {
  const Connection connection = From(address);
  const auto index = static_cast<size_t>(fd);
  if (connections_.size() <= index) {
    connections_.resize(index + 1);
  }
  Forget(connections_[index]);
  if (CountOf(connection.peer) >= per_peer_ && now >= next_look_) {
    next_look_ = now + kLookInterval;
    ForgetClosed(connection.peer);
  }
  if (CountOf(connection.peer) >= per_peer_) {
    return false;
  }
  connections_[index] = connection;
  ++counts_[connection.peer];
  return true;
}

size_t PeerConnections::CountOf(const IpAddress& peer) const {
  const auto found = counts_.find(peer);
  return found == counts_.end() ? 0 : found->second;
}

void PeerConnections::Forget(Connection& connection) {
  if (!connection.noted) {
    return;
  }
  connection.noted = false;
  const auto found = counts_.find(connection.peer);
  if (--found->second == 0) {
    counts_.erase(found);
  }
}

void PeerConnections::ForgetClosed(const IpAddress& peer) {
  for (size_t fd = 0; fd < connections_.size(); ++fd) {
    Connection& connection = connections_[fd];
    if (connection.noted && connection.peer == peer && !IsOpen(static_cast<int>(fd), connection)) {
      Forget(connection);
    }
  }
}

}  // namespace network_mapper
