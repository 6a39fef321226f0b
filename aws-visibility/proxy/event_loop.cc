#include "aws-visibility/proxy/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "aws-visibility/proxy/connection.h"
#include "aws-visibility/proxy/sockets.h"
#include "common/log/log.h"

namespace network_mapper::aws {

namespace {

using namespace std::chrono_literals;

constexpr size_t kScratchSize = size_t{64} * 1024;
constexpr int kEventsATurn = 256;
constexpr int kAcceptsATurn = 64;
// How exactly timeouts are kept.
constexpr auto kLookInterval = 200ms;

}  // namespace

EventLoop::EventLoop(ProxyContext& context, std::vector<Listener> listeners)
    : context_(context), listeners_(std::move(listeners)), scratch_(kScratchSize) {}

EventLoop::~EventLoop() {
  Join();
  connections_.clear();
  for (const int fd : {epoll_, wake_}) {
    if (fd >= 0) {
      close(fd);
    }
  }
}

Status EventLoop::Start() {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  wake_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (epoll_ < 0 || wake_ < 0) {
    return ErrnoStatus(errno, "event loop");
  }
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = &wake_;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) != 0) {
    return ErrnoStatus(errno, "event loop");
  }
  now_ = context_.clock.SteadyNow();
  Listen(true);
  thread_ = std::jthread([this] { Run(); });
  return OkStatus();
}

void EventLoop::Drain(SteadyTime end) {
  drain_end_ = end.time_since_epoch().count();
  Post(0, {});
}

void EventLoop::Join() {
  if (thread_.joinable()) {
    thread_.join();
  }
}

void EventLoop::Post(uint64_t connection, std::function<void(Connection&)> act) {
  posted_.With([&](std::vector<Posted>& posted) {
    posted.push_back({.connection = connection, .act = std::move(act)});
  });
  const uint64_t one = 1;
  (void)!write(wake_, &one, sizeof(one));
}

void EventLoop::Watch(Endpoint& endpoint) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &endpoint;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, endpoint.Fd(), &event);
}

void EventLoop::Listen(bool on) {
  if (std::exchange(listening_, on) == on) {
    return;
  }
  for (Listener& listener : listeners_) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLEXCLUSIVE;
    event.data.ptr = &listener;
    epoll_ctl(epoll_, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, listener.fd, &event);
  }
}

int EventLoop::WaitTime() const {
  if (!again_.empty()) {
    return 0;
  }
  // What is not being waited for needs no clock.
  return timed_ || draining_ || !listening_
             ? static_cast<int>(std::chrono::milliseconds(kLookInterval).count())
             : -1;
}

void EventLoop::Run() {
  std::array<epoll_event, kEventsATurn> events{};
  while (true) {
    const int count = epoll_wait(epoll_, events.data(), kEventsATurn, WaitTime());
    now_ = context_.clock.SteadyNow();
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<size_t>(i)];
      Handle(event.data.ptr, event.events);
    }
    TakeTurns();
    LookAtTime();
    FreeForgotten();
    if (draining_ && (connections_.empty() || now_.time_since_epoch().count() >= drain_end_)) {
      return;
    }
  }
}

void EventLoop::Handle(void* source, uint32_t events) {
  if (source == &wake_) {
    HandlePosted();
    return;
  }
  for (const Listener& listener : listeners_) {
    if (source == &listener) {
      Accept(listener);
      return;
    }
  }
  auto& endpoint = *static_cast<Endpoint*>(source);
  endpoint.Owner().OnEvents(endpoint, events);
}

void EventLoop::HandlePosted() {
  uint64_t count = 0;
  (void)!read(wake_, &count, sizeof(count));
  const std::vector<Posted> posted =
      posted_.With([](std::vector<Posted>& waiting) { return std::exchange(waiting, {}); });
  for (const Posted& entry : posted) {
    const auto found = connections_.find(entry.connection);
    if (found != connections_.end()) {
      entry.act(*found->second);
    }
  }
  if (drain_end_ != 0 && !draining_) {
    BeginDrain();
  }
}

void EventLoop::BeginDrain() {
  draining_ = true;
  Listen(false);
  for (const auto& [id, connection] : connections_) {
    connection->OnDrain();
  }
}

void EventLoop::Accept(const Listener& listener) {
  for (int i = 0; i < kAcceptsATurn && !draining_; ++i) {
    sockaddr_storage peer{};
    socklen_t size = sizeof(peer);
    const int fd = accept4(listener.fd, reinterpret_cast<sockaddr*>(&peer), &size,
                           SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      Adopt(fd, listener.scheme, peer);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      // They wait in the backlog, until some of ours have ended.
      if (MayWarn()) {
        LogWarn("no more connections can be accepted", {{"error", ErrnoStatus(errno, "accept")}});
      }
      Listen(false);
      return;
    } else if (errno != EINTR && errno != ECONNABORTED) {
      return;
    }
  }
}

void EventLoop::Adopt(int fd, Scheme scheme, const sockaddr_storage& peer) {
  const IpAddress client = IpAddress::FromSocketAddress(peer).value_or(IpAddress());
  const ConnectionPlaces::Answer place = context_.places.Take(client);
  if (place != ConnectionPlaces::Answer::kTaken) {
    context_.metrics.Count(place == ConnectionPlaces::Answer::kNoneLeft ? Refusal::kLimit
                                                                        : Refusal::kPeerLimit);
    context_.metrics.Count(Outcome::kRefused);
    ResetSocket(fd);
    return;
  }
  const uint64_t id = next_connection_++;
  PrepareForRelay(fd);
  auto connection = std::make_unique<Connection>(*this, context_, id, scheme, fd, client);
  Connection& begun = *connection;
  connections_.emplace(id, std::move(connection));
  timed_ = true;
  begun.Begin();
}

void EventLoop::TakeTurns() {
  for (const uint64_t id : std::exchange(again_, {})) {
    if (const auto found = connections_.find(id); found != connections_.end()) {
      found->second->Advance();
    }
  }
}

void EventLoop::LookAtTime() {
  if (now_ < next_look_) {
    return;
  }
  next_look_ = now_ + kLookInterval;
  if (!draining_) {
    Listen(true);
  }
  if (timed_) {
    timed_ = false;
    for (const auto& [id, connection] : connections_) {
      timed_ = connection->OnTime(now_) || timed_;
    }
  }
}

void EventLoop::FreeForgotten() {
  for (const uint64_t id : std::exchange(over_, {})) {
    connections_.erase(id);
  }
}

}  // namespace network_mapper::aws
