#include "common/http/http_server.h"

#include <httplib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <set>
#include <stop_token>
#include <thread>
#include <unordered_map>

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
constexpr std::string_view kTooManyResponse =
    "HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
constexpr std::string_view kSlowResponse =
    "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

constexpr const char* kRefusals = "network_mapper_http_refusals_total";
constexpr const char* kRefusalsHelp =
    "HTTP connections closed without serving their request, by reason.";

// Whoever does not read it must not hold us up.
void SendAtOnce(int socket, std::string_view response) {
  send(socket, response.data(), response.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace

HttpServerMetrics::HttpServerMetrics(MetricsRegistry& registry)
    : slow_requests(registry.AddCounter(kRefusals, kRefusalsHelp, {{"reason", "slow"}})),
      busy_refusals(registry.AddCounter(kRefusals, kRefusalsHelp, {{"reason", "busy"}})),
      peer_refusals(registry.AddCounter(kRefusals, kRefusalsHelp, {{"reason", "peer_limit"}})),
      failed_handshakes(registry.AddCounter(kRefusals, kRefusalsHelp, {{"reason", "tls"}})) {}

std::optional<std::string_view> HttpRequest::Header(std::string_view name) const {
  auto it = headers.find(name);
  return it == headers.end() ? std::nullopt : std::optional<std::string_view>(it->second);
}

std::optional<std::string_view> HttpRequest::Parameter(std::string_view name) const {
  auto it = parameters.find(name);
  return it == parameters.end() ? std::nullopt : std::optional<std::string_view>(it->second);
}

// One thread accepts and receives; a connection whose request can be served without waiting for the
// sender goes to the pool, which serves it and hands the connection back.
class HttpServer::Implementation {
 public:
  Implementation(HttpServerOptions options, HttpHandler handler, TcpListener listener, int wake_fd)
      : options_(std::move(options)),
        parser_(options_, std::move(handler)),
        listener_(listener),
        wake_fd_(wake_fd),
        max_readers_(std::max<size_t>(options_.threads, 3) - 2),
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
  enum class Awaits { kRequest, kRest, kThread };

  struct Parked {
    std::shared_ptr<RequestStream> stream;
    Awaits awaits;
    SteadyTime until;
  };

  void Run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      TakeBack();
      DispatchWaiting();
      PollOnce();
      CloseExpired();
    }
    close(listener_.fd);
    stopping_ = true;
    parked_.clear();
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

  void CountSlow() const {
    if (options_.metrics != nullptr) {
      options_.metrics->slow_requests.Increment();
    }
  }

  void CountPeerLimit() const {
    if (options_.metrics != nullptr) {
      options_.metrics->peer_refusals.Increment();
    }
  }

  void CountBusy() const {
    if (options_.metrics != nullptr) {
      options_.metrics->busy_refusals.Increment();
    }
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
      Arrival arrival = stream->NextRequest();
      Place(std::move(stream), arrival);
    }
  }

  // Where a connection goes, by what has come of its next request.
  void Place(std::shared_ptr<RequestStream> stream, Arrival arrival) {
    SteadyTime now = Clock::System().SteadyNow();
    switch (arrival) {
      case Arrival::kNothing:
        parked_.push_back({std::move(stream), Awaits::kRequest, now + options_.idle_timeout});
        break;
      case Arrival::kPart: {
        SteadyTime until = stream->ReadDeadline();
        parked_.push_back({std::move(stream), Awaits::kRest, until});
        break;
      }
      case Arrival::kWhole:
        Dispatch(std::move(stream), false);
        break;
      case Arrival::kHead:
        if (readers_ < max_readers_) {
          Dispatch(std::move(stream), true);
        } else {
          parked_.push_back({std::move(stream), Awaits::kThread, now + options_.request_timeout});
        }
        break;
      case Arrival::kEnd:
        NoteEnd(*stream);
        break;
    }
  }

  void NoteEnd(const RequestStream& stream) const {
    if (stream.HandshakeError().empty()) {
      return;
    }
    LogDebug("TLS handshake failed",
             {{"peer", stream.Peer().ToString()}, {"error", stream.HandshakeError()}});
    if (options_.metrics != nullptr) {
      options_.metrics->failed_handshakes.Increment();
    }
  }

  void DispatchWaiting() {
    std::erase_if(parked_, [this](Parked& parked) {
      if (parked.awaits != Awaits::kThread || readers_ >= max_readers_) {
        return false;
      }
      parked.stream->RestartClock();
      Dispatch(std::move(parked.stream), true);
      return true;
    });
  }

  void PollOnce() {
    std::vector<pollfd> entries;
    entries.reserve(parked_.size() + 2);
    entries.push_back({.fd = listener_.fd, .events = POLLIN, .revents = 0});
    entries.push_back({.fd = wake_fd_, .events = POLLIN, .revents = 0});
    for (const Parked& parked : parked_) {
      // poll skips a negative descriptor.
      int fd = parked.awaits == Awaits::kThread ? -1 : parked.stream->socket();
      entries.push_back({.fd = fd, .events = parked.stream->AwaitedForReceive(), .revents = 0});
    }
    constexpr int kExpiryCheckMilliseconds = 500;
    if (poll(entries.data(), entries.size(), parked_.empty() ? -1 : kExpiryCheckMilliseconds) <=
        0) {
      return;
    }
    ConsumeWake();
    std::vector<Parked> before = std::exchange(parked_, {});
    for (size_t i = 0; i < before.size(); ++i) {
      if (entries[i + 2].revents != 0) {
        Arrival arrival = before[i].stream->Receive();
        Place(std::move(before[i].stream), arrival);
      } else {
        parked_.push_back(std::move(before[i]));
      }
    }
    if (entries[0].revents != 0) {
      Accept();
    }
  }

  void CloseExpired() {
    SteadyTime now = Clock::System().SteadyNow();
    std::erase_if(parked_, [&](const Parked& parked) {
      if (parked.until > now) {
        return false;
      }
      if (parked.awaits == Awaits::kRest) {
        CountSlow();
        Refuse(*parked.stream, kSlowResponse);
      } else if (parked.awaits == Awaits::kThread) {
        CountBusy();
        Refuse(*parked.stream, kBusyResponse);
      }
      return true;
    });
  }

  static void Refuse(const RequestStream& stream, std::string_view response) {
    if (stream.IsPlain()) {
      SendAtOnce(stream.socket(), response);
    }
  }

  // Closes it.
  void Refuse(int fd, std::string_view response) const {
    if (options_.tls == nullptr) {
      SendAtOnce(fd, response);
    }
    close(fd);
  }

  void Accept() {
    sockaddr_storage address{};
    socklen_t address_size = sizeof(address);
    int fd =
        accept4(listener_.fd, reinterpret_cast<sockaddr*>(&address), &address_size, SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
        // The connection stays in the backlog; look again when something may have been freed.
        pollfd entry{.fd = wake_fd_, .events = POLLIN, .revents = 0};
        poll(&entry, 1, 50);
      }
      return;
    }
    if (connections_ >= options_.max_connections) {
      CountBusy();
      Refuse(fd, kBusyResponse);
      return;
    }
    const IpAddress peer = IpAddress::FromSocketAddress(address).value_or(IpAddress());
    if (!MakeRoomFor(peer)) {
      Refuse(fd, kTooManyResponse);
      return;
    }
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    std::shared_ptr<RequestStream> stream = Track(fd, peer);
    Place(std::move(stream), options_.tls == nullptr ? Arrival::kNothing : Arrival::kPart);
  }

  // Counts the connection as long as it lives.
  std::shared_ptr<RequestStream> Track(int fd, const IpAddress& peer) {
    ++connections_;
    by_peer_.With([&peer](auto& by_peer) { ++by_peer[peer]; });
    return {new RequestStream(fd, peer, options_), [this](RequestStream* stream) {
              by_peer_.With([stream](auto& by_peer) {
                auto found = by_peer.find(stream->Peer());
                if (--found->second == 0) {
                  by_peer.erase(found);
                }
              });
              delete stream;
              --connections_;
            }};
  }

  // False: the peer has as many connections as it may, and each of them waits for us.
  bool MakeRoomFor(const IpAddress& peer) {
    const size_t open = by_peer_.With([&peer](const auto& by_peer) {
      auto found = by_peer.find(peer);
      return found == by_peer.end() ? 0 : found->second;
    });
    if (open < options_.max_connections_per_peer) {
      return true;
    }
    CountPeerLimit();
    auto idle = std::find_if(parked_.begin(), parked_.end(), [&peer](const Parked& parked) {
      return parked.awaits != Awaits::kThread && parked.stream->Peer() == peer;
    });
    if (idle == parked_.end()) {
      return false;
    }
    parked_.erase(idle);
    return true;
  }

  // `reads`: the thread waits for the rest of the body.
  void Dispatch(std::shared_ptr<RequestStream> stream, bool reads) {
    active_.With([&](std::set<int>& active) { active.insert(stream->socket()); });
    readers_ += reads ? 1 : 0;
    // The pool takes copyable callables only, hence the shared pointer.
    pool_->enqueue(
        [this, reads, stream = std::move(stream)]() mutable { Serve(std::move(stream), reads); });
  }

  void Serve(std::shared_ptr<RequestStream> stream, bool reads) {
    bool keep = !stopping_ && parser_.ServeOne(*stream) &&
                stream->CountRequest() < options_.requests_per_connection && !stopping_;
    if (stream->TimedOut()) {
      CountSlow();
      // What still comes of the body would be taken for a request.
      keep = false;
    }
    active_.With([&](std::set<int>& active) { active.erase(stream->socket()); });
    if (keep) {
      returned_.With([&](auto& list) { list.push_back(std::move(stream)); });
    }
    stream.reset();
    readers_ -= reads ? 1 : 0;
    Wake();
  }

  const HttpServerOptions options_;
  RequestParser parser_;
  TcpListener listener_;
  int wake_fd_;
  std::atomic<bool> stopping_{false};
  std::atomic<size_t> connections_{0};
  Guarded<std::unordered_map<IpAddress, size_t>> by_peer_;
  // Threads that wait for bodies.
  std::atomic<size_t> readers_{0};
  const size_t max_readers_;
  // Only the poller's.
  std::vector<Parked> parked_;
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
