#include "mapper/ingest/connection_acceptor.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

namespace network_mapper {

namespace {

// Descriptors that connections leave to the rest of the process: API, watches, files.
constexpr size_t kReservedDescriptors = 300;
constexpr int kPollMs = 1'000;
// How long to wait when nothing can be accepted.
constexpr int kPauseMs = 100;
constexpr std::chrono::seconds kLogInterval{60};

size_t DescriptorLimit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

// The kernel gives the lowest free number (open(2)), so that a number this high means that so many
// are in use.
int FirstRefused(size_t max_connections) {
  size_t limit = DescriptorLimit();
  size_t usable = limit - std::min(kReservedDescriptors, limit / 2);
  return static_cast<int>(std::min(usable, max_connections + kReservedDescriptors));
}

}  // namespace

ConnectionAcceptor::ConnectionAcceptor(const TcpListener& listener,
                                       std::unique_ptr<GrpcAcceptor> grpc,
                                       const ConnectionLimits& limits, Counter& refused)
    : listener_fd_(listener.fd),
      grpc_(std::move(grpc)),
      first_refused_fd_(FirstRefused(limits.total)),
      peers_(limits.per_peer),
      refused_(refused),
      log_limit_(kLogInterval),
      worker_([this](const std::stop_token& stop) { Run(stop); }) {}

ConnectionAcceptor::~ConnectionAcceptor() {
  worker_.request_stop();
  // Ends a poll that is under way.
  shutdown(listener_fd_, SHUT_RDWR);
  worker_.join();
  close(listener_fd_);
}

void ConnectionAcceptor::Run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    pollfd entry{.fd = listener_fd_, .events = POLLIN, .revents = 0};
    if (poll(&entry, 1, kPollMs) <= 0) {
      continue;
    }
    sockaddr_storage address{};
    socklen_t address_size = sizeof(address);
    int fd = accept4(listener_fd_, reinterpret_cast<sockaddr*>(&address), &address_size,
                     SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= first_refused_fd_) {
      close(fd);
      Refuse("too many connections are open");
    } else if (fd >= 0 && !peers_.Add(fd, address, std::chrono::steady_clock::now())) {
      close(fd);
      Refuse("too many connections of one address are open");
    } else if (fd >= 0) {
      Take(fd);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
      Refuse(std::strerror(errno));
      // The connection stays in the backlog; something may be freed meanwhile.
      poll(nullptr, 0, kPauseMs);
    }
  }
}

void ConnectionAcceptor::Take(int fd) {
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  GrpcAcceptor::NewConnectionParameters parameters;
  parameters.listener_fd = listener_fd_;
  parameters.fd = fd;
  grpc_->HandleNewConnection(&parameters);
}

void ConnectionAcceptor::Refuse(const char* reason) {
  refused_.Increment();
  if (log_limit_.Allow(std::chrono::steady_clock::now())) {
    LogWarn(
        "report connections are refused",
        {{"reason", reason},
         {"limit", first_refused_fd_},
         {"remedy",
          "see who connects; raise --max-streams, --peer-streams and the limit of open files"}});
  }
}

}  // namespace network_mapper
