#include "common/http/http_server.h"

#include <httplib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <set>
#include <stop_token>
#include <thread>

#include "common/concurrency/guarded.h"
#include "common/http/request_parser.h"
#include "common/http/request_stream.h"
#include "common/log/log.h"
#include "common/net/tcp_listener.h"
#include "common/time/clock.h"

namespace network_mapper {

namespace {

constexpr std::string_view kBusyResponse =
    "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

}  // namespace

std::optional<std::string_view> HttpRequest::Header(std::string_view name) const {
  auto it = headers.find(name);
  return it == headers.end() ? std::nullopt : std::optional<std::string_view>(it->second);
}

std::optional<std::string_view> HttpRequest::Parameter(std::string_view name) const {
  auto it = parameters.find(name);
  return it == parameters.end() ? std::nullopt : std::optional<std::string_view>(it->second);
}

// One thread accepts and watches idle connections; a connection with bytes to read goes to the
// pool, which serves its request and hands it back.
class HttpServer::Implementation {
 public:
  Implementation(HttpServerOptions options, HttpHandler handler, TcpListener listener, int wake_fd)
      : options_(std::move(options)),
        parser_(options_, std::move(handler)),
        listener_(listener),
        wake_fd_(wake_fd),
        pool_(std::make_unique<httplib::ThreadPool>(options_.threads)),
        poller_([this](const std::stop_token& stop) { Run(stop); }) {}

  Implementation(const Implementation&) = delete;
  Implementation& operator=(const Implementation&) = delete;

  ~Implementation() {
    Stop();
    close(wake_fd_);
  }

  uint16_t Port() const { return listener_.port; }

  void Stop() {
    if (poller_.joinable()) {
      poller_.request_stop();
      Wake();
      poller_.join();
    }
  }

 private:
  struct Idle {
    std::shared_ptr<RequestStream> stream;
    SteadyTime until;
  };

  void Run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      TakeBack();
      PollOnce();
      CloseExpired();
    }
    close(listener_.fd);
    stopping_ = true;
    idle_.clear();
    Drain(Clock::System().SteadyNow() + options_.stop_timeout);
    active_.With([](const std::set<int>& active) {
      for (int fd : active) {
        shutdown(fd, SHUT_RDWR);
      }
    });
    pool_->shutdown();
    returned_.With([](auto& returned) { returned.clear(); });
  }

  void Wake() const {
    uint64_t one = 1;
    [[maybe_unused]] ssize_t wrote = write(wake_fd_, &one, sizeof(one));
  }

  void ConsumeWake() const {
    uint64_t count = 0;
    [[maybe_unused]] ssize_t got = read(wake_fd_, &count, sizeof(count));
  }

  // Waits until no request runs or the deadline.
  void Drain(SteadyTime deadline) {
    while (active_.With([](const std::set<int>& active) { return !active.empty(); })) {
      auto left =
          std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::System().SteadyNow());
      if (left.count() <= 0) {
        return;
      }
      pollfd entry{.fd = wake_fd_, .events = POLLIN, .revents = 0};
      poll(&entry, 1, static_cast<int>(left.count()));
      ConsumeWake();
    }
  }

  void TakeBack() {
    std::vector<std::shared_ptr<RequestStream>> returned;
    returned_.With([&](auto& list) { returned.swap(list); });
    for (auto& stream : returned) {
      if (stream->HasBufferedBytes()) {
        Dispatch(std::move(stream));
      } else {
        AddIdle(std::move(stream));
      }
    }
  }

  void AddIdle(std::shared_ptr<RequestStream> stream) {
    idle_.push_back({std::move(stream), Clock::System().SteadyNow() + options_.idle_timeout});
  }

  void PollOnce() {
    std::vector<pollfd> entries;
    entries.reserve(idle_.size() + 2);
    entries.push_back({.fd = listener_.fd, .events = POLLIN, .revents = 0});
    entries.push_back({.fd = wake_fd_, .events = POLLIN, .revents = 0});
    for (const Idle& idle : idle_) {
      entries.push_back({.fd = idle.stream->socket(), .events = POLLIN, .revents = 0});
    }
    constexpr int kExpiryCheckMilliseconds = 500;
    if (poll(entries.data(), entries.size(), idle_.empty() ? -1 : kExpiryCheckMilliseconds) <= 0) {
      return;
    }
    ConsumeWake();
    std::vector<Idle> still_idle;
    for (size_t i = 0; i < idle_.size(); ++i) {
      if (entries[i + 2].revents != 0) {
        Dispatch(std::move(idle_[i].stream));
      } else {
        still_idle.push_back(std::move(idle_[i]));
      }
    }
    idle_ = std::move(still_idle);
    if (entries[0].revents != 0) {
      Accept();
    }
  }

  void CloseExpired() {
    SteadyTime now = Clock::System().SteadyNow();
    std::erase_if(idle_, [&](const Idle& idle) { return idle.until <= now; });
  }

  void Accept() {
    int fd = accept4(listener_.fd, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
        // The connection stays in the backlog; look again when something may have been freed.
        pollfd entry{.fd = wake_fd_, .events = POLLIN, .revents = 0};
        poll(&entry, 1, 50);
      }
      return;
    }
    if (connections_ >= options_.max_connections) {
      send(fd, kBusyResponse.data(), kBusyResponse.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      close(fd);
      return;
    }
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    ++connections_;
    AddIdle(std::shared_ptr<RequestStream>(new RequestStream(fd, options_),
                                           [this](RequestStream* stream) {
                                             delete stream;
                                             --connections_;
                                           }));
  }

  void Dispatch(std::shared_ptr<RequestStream> stream) {
    active_.With([&](std::set<int>& active) { active.insert(stream->socket()); });
    // The pool takes copyable callables only, hence the shared pointer.
    pool_->enqueue([this, stream = std::move(stream)]() mutable { Serve(std::move(stream)); });
  }

  void Serve(std::shared_ptr<RequestStream> stream) {
    bool keep = !stopping_ && parser_.ServeOne(*stream) &&
                stream->CountRequest() < options_.requests_per_connection && !stopping_;
    active_.With([&](std::set<int>& active) { active.erase(stream->socket()); });
    if (keep) {
      returned_.With([&](auto& list) { list.push_back(std::move(stream)); });
    }
    stream.reset();
    Wake();
  }

  const HttpServerOptions options_;
  RequestParser parser_;
  TcpListener listener_;
  int wake_fd_;
  std::atomic<bool> stopping_{false};
  std::atomic<size_t> connections_{0};
  // Only the poller's.
  std::vector<Idle> idle_;
  Guarded<std::vector<std::shared_ptr<RequestStream>>> returned_;
  // Sockets whose requests run or wait for a thread.
  Guarded<std::set<int>> active_;
  std::unique_ptr<httplib::ThreadPool> pool_;
  std::jthread poller_;
};

StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(const HttpServerOptions& options,
                                                        HttpHandler handler) {
  ASSIGN_OR_RETURN(TcpListener listener, ListenOnTcp(options.host, options.port));
  int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd < 0) {
    int error = errno;
    close(listener.fd);
    return ErrnoStatus(error, "create eventfd");
  }
  return std::unique_ptr<HttpServer>(new HttpServer(
      std::make_unique<Implementation>(options, std::move(handler), listener, wake_fd)));
}

HttpServer::HttpServer(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}

HttpServer::~HttpServer() = default;

uint16_t HttpServer::Port() const {
  return implementation_->Port();
}

void HttpServer::Stop() {
  implementation_->Stop();
}

}  // namespace network_mapper
