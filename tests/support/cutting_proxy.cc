#include "tests/support/cutting_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace network_mapper {

namespace {

constexpr int kSliceMs = 20;

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void Check(bool fine, const char* what) {
  if (!fine) {
    std::perror(what);
    std::abort();
  }
}

// Resets the connection: the peer sees an error, not an end of stream.
void Cut(int socket) {
  linger reset{.l_onoff = 1, .l_linger = 0};
  setsockopt(socket, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
  close(socket);
}

// What was sent still arrives; what comes back does not.
void EndOneWay(int socket) {
  shutdown(socket, SHUT_WR);
  pollfd entry{.fd = socket, .events = POLLIN, .revents = 0};
  std::array<char, 4096> buffer{};
  while (poll(&entry, 1, 200) > 0 && recv(socket, buffer.data(), buffer.size(), 0) > 0) {
  }
  close(socket);
}

// Moves what is there, at most `budget` bytes; false at the end of the connection.
bool Move(int from, int to, size_t& budget) {
  std::array<char, 4096> buffer{};
  ssize_t got = recv(from, buffer.data(), std::min(buffer.size(), budget), 0);
  if (got <= 0) {
    return false;
  }
  budget -= static_cast<size_t>(got);
  return send(to, buffer.data(), static_cast<size_t>(got), MSG_NOSIGNAL) == got && budget > 0;
}

}  // namespace

CuttingProxy::CuttingProxy(uint16_t target_port, std::function<size_t()> budget)
    : target_port_(target_port), budget_(std::move(budget)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t length = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  Check(listener_ >= 0 && bind(listener_, generic, length) == 0 && listen(listener_, 16) == 0 &&
            getsockname(listener_, generic, &length) == 0,
        "proxy");
  port_ = ntohs(address.sin_port);
  worker_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
}

CuttingProxy::~CuttingProxy() {
  worker_.request_stop();
  worker_.join();
  connections_.clear();
  close(listener_);
}

void CuttingProxy::Run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (held_) {
      poll(nullptr, 0, kSliceMs);
      continue;
    }
    pollfd waiting{.fd = listener_, .events = POLLIN, .revents = 0};
    if (poll(&waiting, 1, kSliceMs) <= 0) {
      continue;
    }
    int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client >= 0) {
      connections_.emplace_back(
          [this, client, budget = budget_()](const std::stop_token& connection_stop) {
            Serve(connection_stop, client, budget);
          });
    }
  }
}

void CuttingProxy::Serve(const std::stop_token& stop, int client, size_t budget) {
  int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(target_port_);
  if (connect(server, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) {
    Relay(stop, client, server, budget);
  }
  Cut(client);
  if (cuts_ % 2 == 0) {
    Cut(server);
  } else {
    EndOneWay(server);
  }
}

void CuttingProxy::Relay(const std::stop_token& stop, int client, int server, size_t budget) {
  std::array<pollfd, 2> ends = {pollfd{.fd = client, .events = POLLIN, .revents = 0},
                                pollfd{.fd = server, .events = POLLIN, .revents = 0}};
  while (!stop.stop_requested()) {
    if (held_) {
      poll(nullptr, 0, kSliceMs);
      continue;
    }
    if (poll(ends.data(), ends.size(), kSliceMs) <= 0) {
      continue;
    }
    bool alive = (ends[0].revents == 0 || Move(client, server, budget)) &&
                 (ends[1].revents == 0 || Move(server, client, budget));
    if (!alive) {
      ++cuts_;
      return;
    }
  }
}

}  // namespace network_mapper
