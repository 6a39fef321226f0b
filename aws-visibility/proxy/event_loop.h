// One thread that moves the bytes of its connections: epoll, edge-triggered. Loops share the
// listening sockets; a connection stays with the loop that accepted it.
#pragma once

#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <thread>
#include <unordered_map>
#include <vector>

#include "aws-visibility/proxy/proxy_context.h"
#include "common/concurrency/guarded.h"
#include "common/log/log.h"

namespace network_mapper::aws {

class Connection;
class Endpoint;

struct Listener {
  int fd = -1;
  Scheme scheme = Scheme::kHttps;
};

class EventLoop {
 public:
  // The listeners' sockets stay the caller's; all must outlive this.
  EventLoop(ProxyContext& context, std::vector<Listener> listeners);
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;
  // Ends all connections.
  ~EventLoop();

  Status Start();

  // From any thread: takes no more connections; the loop ends when it has none, or at `end`.
  void Drain(SteadyTime end);
  // Waits for its end.
  void Join();

  // From any thread: calls `act` in this loop with the connection, if it is still there.
  void Post(uint64_t connection, std::function<void(Connection&)> act);

  // For connections, in this loop's thread.
  void Watch(Endpoint& endpoint);

  // Has more to do; its turn comes again after the others'.
  void Again(uint64_t connection) { again_.push_back(connection); }

  // Is over; freed when no event can refer to it.
  void Forget(uint64_t connection) { over_.push_back(connection); }

  // Some connection waits for a time again.
  void WatchTime() { timed_ = true; }

  SteadyTime Now() const { return now_; }

  bool Draining() const { return draining_; }

  std::span<char> Scratch() { return scratch_; }

  // What pods do can make warnings, so not all are written.
  bool MayWarn() { return warnings_.Allow(now_); }

 private:
  struct Posted {
    uint64_t connection;
    std::function<void(Connection&)> act;
  };

  void Run();
  int WaitTime() const;
  void HandlePosted();
  void Handle(void* source, uint32_t events);
  void Accept(const Listener& listener);
  void Adopt(int fd, Scheme scheme, const sockaddr_storage& peer);
  void Listen(bool on);
  void TakeTurns();
  void LookAtTime();
  void BeginDrain();
  void FreeForgotten();

  ProxyContext& context_;
  std::vector<Listener> listeners_;
  int epoll_ = -1;
  int wake_ = -1;
  Guarded<std::vector<Posted>> posted_;
  std::atomic<int64_t> drain_end_{0};
  bool draining_ = false;
  bool listening_ = false;
  SteadyTime now_;
  SteadyTime next_look_;
  // Some connection waits for a time.
  bool timed_ = false;
  uint64_t next_connection_ = 1;
  std::unordered_map<uint64_t, std::unique_ptr<Connection>> connections_;
  std::vector<uint64_t> again_;
  std::vector<uint64_t> over_;
  std::vector<char> scratch_;
  LogRateLimit warnings_{std::chrono::seconds(10)};
  std::jthread thread_;
};

}  // namespace network_mapper::aws
