// shop_workload: a small real TCP server and client that plays one workload of the demo cluster. It
// answers lines on the ports it listens on, and calls other workloads by their DNS name: resolve,
// connect, say a line, read the answer, keep the connection for a moment, close. Names are resolved
// by the C library, so by the resolv.conf that the process sees.
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

namespace {

using std::chrono::milliseconds;

constexpr std::string_view kLine = "hello\n";
constexpr int kBacklog = 64;
constexpr milliseconds kConnectTimeout{2000};

class Socket {
 public:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}

  Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  Socket& operator=(Socket&&) = delete;

  ~Socket() {
    if (descriptor_ >= 0) {
      close(descriptor_);
    }
  }

  int Get() const { return descriptor_; }

  bool Valid() const { return descriptor_ >= 0; }

 private:
  int descriptor_;
};

struct AddressListDeleter {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

// Answers every line until the peer closes.
void Serve(const Socket& connection) {
  std::array<char, 256> buffer{};
  while (true) {
    ssize_t received = recv(connection.Get(), buffer.data(), buffer.size(), 0);
    if (received <= 0 || send(connection.Get(), kLine.data(), kLine.size(), MSG_NOSIGNAL) < 0) {
      return;
    }
  }
}

// A socket that takes IPv4 and IPv6.
Socket Listen(uint16_t port) {
  Socket listener(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  int yes = 1;
  int no = 0;
  setsockopt(listener.Get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  setsockopt(listener.Get(), IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_any;
  address.sin6_port = htons(port);
  if (bind(listener.Get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(listener.Get(), kBacklog) != 0) {
    std::perror("shop_workload: listen");
    return Socket(-1);
  }
  return listener;
}

void AcceptForever(const Socket& listener) {
  while (true) {
    int accepted = accept4(listener.Get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (accepted < 0) {
      std::this_thread::sleep_for(milliseconds(100));
      continue;
    }
    std::thread([connection = Socket(accepted)] { Serve(connection); }).detach();
  }
}

bool ConnectWithin(int descriptor, const addrinfo& address, milliseconds timeout) {
  if (connect(descriptor, address.ai_addr, address.ai_addrlen) == 0) {
    return true;
  }
  pollfd ready{.fd = descriptor, .events = POLLOUT, .revents = 0};
  int error = errno == EINPROGRESS ? 0 : errno;
  socklen_t size = sizeof(error);
  return error == 0 && poll(&ready, 1, static_cast<int>(timeout.count())) == 1 &&
         getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

struct Peer {
  std::string host;
  std::string port;
};

std::optional<Peer> ParsePeer(const std::string& text) {
  size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == text.size()) {
    return std::nullopt;
  }
  return Peer{.host = text.substr(0, colon), .port = text.substr(colon + 1)};
}

// Looks the name up and tries each of its addresses.
Socket Connect(const Peer& peer) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(peer.host.c_str(), peer.port.c_str(), &hints, &found) != 0) {
    return Socket(-1);
  }
  std::unique_ptr<addrinfo, AddressListDeleter> list(found);
  for (const addrinfo* address = list.get(); address != nullptr; address = address->ai_next) {
    Socket attempt(socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (attempt.Valid() && ConnectWithin(attempt.Get(), *address, kConnectTimeout)) {
      fcntl(attempt.Get(), F_SETFL, 0);
      return attempt;
    }
  }
  return Socket(-1);
}

// One question and its answer; false when the connection is broken.
bool Ask(const Socket& connection) {
  timeval timeout{.tv_sec = 2, .tv_usec = 0};
  setsockopt(connection.Get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
  std::array<char, 256> buffer{};
  return send(connection.Get(), kLine.data(), kLine.size(), MSG_NOSIGNAL) > 0 &&
         recv(connection.Get(), buffer.data(), buffer.size(), 0) > 0;
}

struct Options {
  std::vector<uint16_t> listen;
  std::vector<std::string> call;
  std::vector<std::string> hold;
  int every_ms = 1000;
  int linger_ms = 400;
  int calls = 0;
};

void CallAgainAndAgain(const Peer& peer, const Options& options) {
  for (int i = 0; options.calls == 0 || i < options.calls; ++i) {
    {
      Socket connection = Connect(peer);
      if (connection.Valid() && Ask(connection)) {
        std::this_thread::sleep_for(milliseconds(options.linger_ms));
      }
    }
    std::this_thread::sleep_for(milliseconds(options.every_ms));
  }
}

// One connection for good, like a client of Redis; opened again when it breaks.
void HoldForever(const Peer& peer, const Options& options) {
  while (true) {
    Socket connection = Connect(peer);
    while (connection.Valid() && Ask(connection)) {
      std::this_thread::sleep_for(milliseconds(options.every_ms));
    }
    std::this_thread::sleep_for(milliseconds(options.every_ms));
  }
}

// Starts a thread for each peer; false for text that is no peer.
template <typename Run>
bool StartThreads(const std::vector<std::string>& texts, std::vector<std::thread>& threads,
                  const Options& options, Run run) {
  for (const std::string& text : texts) {
    std::optional<Peer> peer = ParsePeer(text);
    if (!peer) {
      std::fprintf(stderr, "shop_workload: \"%s\" is not HOST:PORT\n", text.c_str());
      return false;
    }
    threads.emplace_back([peer = *peer, &options, run] { run(peer, options); });
  }
  return true;
}

int Run(int argc, char** argv) {
  Options options;
  CLI::App app("Plays one workload: answers on ports and calls others by their DNS names.");
  app.add_option("--listen", options.listen, "Port to answer on; may be repeated");
  app.add_option("--call", options.call, "HOST:PORT to call again and again; may be repeated");
  app.add_option("--hold", options.hold, "HOST:PORT to keep one connection to; may be repeated");
  app.add_option("--every-ms", options.every_ms, "Pause between calls")->capture_default_str();
  app.add_option("--linger-ms", options.linger_ms, "How long a call keeps its connection")
      ->capture_default_str();
  app.add_option("--calls", options.calls, "Calls to each --call peer; 0: without end")
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  std::vector<std::thread> threads;
  for (uint16_t port : options.listen) {
    Socket listener = Listen(port);
    if (!listener.Valid()) {
      std::_Exit(1);
    }
    threads.emplace_back([listener = std::move(listener)] { AcceptForever(listener); });
  }
  bool started = StartThreads(options.call, threads, options, CallAgainAndAgain) &&
                 StartThreads(options.hold, threads, options, HoldForever);
  if (!started) {
    std::_Exit(2);
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return Run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "shop_workload: %s\n", error.what());
    std::_Exit(1);
  }
}
