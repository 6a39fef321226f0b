// How many open connections each address has, although gRPC, which they are handed to, does not
// tell when it closes one. The kernel does: it gives a closed one's number away again, and knows a
// number's peer. Internal to this folder.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "common/net/ip_address.h"
#include "common/time/clock.h"

namespace network_mapper {

// Not thread-safe. As large as the highest number of an open connection.
class PeerConnections {
 public:
  explicit PeerConnections(size_t per_peer) : per_peer_(per_peer) {}

  // Notes the connection `fd` that was just accepted from `address`; false, without noting it, when
  // that address has as many as it may.
  bool Add(int fd, const sockaddr_storage& address, SteadyTime now);

  // Upper bound: closed ones count until their number is used again or the limit is reached.
  size_t CountOf(const IpAddress& peer) const;

 private:
  struct Connection {
    IpAddress peer;
    uint16_t port = 0;
    bool noted = false;
  };

  static Connection From(const sockaddr_storage& address);
  static bool IsOpen(int fd, const Connection& connection);
  void Forget(Connection& connection);
  void ForgetClosed(const IpAddress& peer);

  const size_t per_peer_;
  // By descriptor.
  std::vector<Connection> connections_;
  std::unordered_map<IpAddress, size_t> counts_;
  SteadyTime next_look_;
};

}  // namespace network_mapper
