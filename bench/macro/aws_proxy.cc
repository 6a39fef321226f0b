// The AWS proxy between a TLS client and a TLS server, each in a process of its own. Usage:
// aws_proxy_load [CONNECTIONS [SECONDS [IDLE [MEBIBYTES]]]]; MEBIBYTES go through one connection,
// first down, then up. Prints rows for scripts/bench: what,
// figure, goal, verdict. Exit code 1 when an answer is missing or a byte is lost. Requests a second
// are those of one core: by the processor time that the proxy took, since the machine's cores are
// the client's and the server's, too.
#include "aws-visibility/proxy/aws_proxy.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "tests/aws-visibility/proxy/tls_peers.h"
#include "tests/support/process_memory.h"
#include "tests/support/test_certificates.h"
#include "tests/support/test_paths.h"

namespace network_mapper::aws {
namespace {

using std::chrono::steady_clock;

constexpr std::string_view kName = "sqs.eu-west-1.amazonaws.com";

// As an SDK sends it.
const std::string& Request() {
  static const std::string request = [] {
    const std::string body =
        R"({"QueueUrl":"https://sqs.eu-west-1.amazonaws.com/123456789012/orders","MessageBody":"hello"})";
    return fmt::format(
        "POST / HTTP/1.1\r\nHost: {}\r\nAccept-Encoding: identity\r\nX-Amz-Target: "
        "AmazonSQS.SendMessage\r\nContent-Type: application/x-amz-json-1.0\r\nUser-Agent: bench\r\n"
        "X-Amz-Date: 20260101T000000Z\r\nAuthorization: AWS4-HMAC-SHA256 "
        "Credential=AKIAIOSFODNN7EXAMPLE/20260101/eu-west-1/sqs/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature={}\r\nContent-Length: "
        "{}\r\n\r\n{}",
        kName, std::string(64, 'a'), body.size(), body);
  }();
  return request;
}

constexpr std::string_view kAnswer =
    "HTTP/1.1 200 OK\r\nx-amzn-RequestId: 0\r\nContent-Type: application/x-amz-json-1.0\r\n"
    "Content-Length: 2\r\n\r\n{}";

class BenchIssuer final : public LeafIssuer {
 public:
  explicit BenchIssuer(const TestAuthority& authority) : authority_(authority) {}

  StatusOr<IssuedCertificate> Issue(std::string_view name) override {
    const CertifiedKey key = authority_.Issue("leaf", "DNS:" + std::string(name));
    return IssuedCertificate{.chain = key.certificate_pem,
                             .key = key.key_pem,
                             .not_after = Clock::System().Now() + std::chrono::hours(1)};
  }

  uint64_t Generation() const override { return 1; }

 private:
  const TestAuthority& authority_;
};

class CountingObserver final : public ExchangeObserver {
 public:
  BodyNeeds NeedsOf(const RequestHead&) override { return {.request = 4096, .response = 0}; }

  void OnExchange(const ObservedExchange&) override { ++count; }

  std::atomic<uint64_t> count{0};
};

// Runs `serve` in a child, which reports the port that it listens on; ends with this process.
class Child {
 public:
  explicit Child(const std::function<void(const std::function<void(uint16_t)>&)>& serve) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0 || (id_ = fork()) < 0) {
      std::abort();
    }
    if (id_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      serve([&](uint16_t port) { (void)!write(ends[1], &port, sizeof(port)); });
      pause();
    }
    (void)!read(ends[0], &port_, sizeof(port_));
    close(ends[0]);
    close(ends[1]);
  }

  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  ~Child() {
    kill(id_, SIGKILL);
    waitpid(id_, nullptr, 0);
  }

  uint16_t Port() const { return port_; }

  pid_t Id() const { return id_; }

  double ProcessorSeconds() const {
    // proc(5): utime and stime are the twelfth and thirteenth fields after the name.
    std::ifstream file(fmt::format("/proc/{}/stat", id_));
    std::string text((std::istreambuf_iterator<char>(file)), {});
    text.erase(0, text.rfind(')') + 2);
    double ticks = 0;
    size_t begin = 0;
    for (int field = 0; field < 13; ++field) {
      const size_t end = text.find(' ', begin);
      if (field >= 11) {
        ticks += std::stod(text.substr(begin, end - begin));
      }
      begin = end + 1;
    }
    return ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
  }

 private:
  pid_t id_ = -1;
  uint16_t port_ = 0;
};

constexpr size_t kMebibyte = size_t{1} << 20U;

bool SendMebibytes(PeerStream& stream, size_t count) {
  const std::string block(kMebibyte, 'x');
  for (size_t i = 0; i < count; ++i) {
    if (!stream.Send(block)) {
      return false;
    }
  }
  return true;
}

bool ReceiveMebibytes(PeerStream& stream, size_t count) {
  size_t received = 0;
  while (received < count * kMebibyte) {
    const size_t part = stream.ReceiveSome().size();
    if (part == 0) {
      fmt::print(stderr, "aws_proxy: {} bytes came, and then {}\n", received, stream.HowItEnded());
      return false;
    }
    received += part;
  }
  return received == count * kMebibyte;
}

// Requests are answered; "GET /N" with N MiB, "PUT /N" when N MiB have come.
void ServeBench(PeerStream& stream) {
  while (true) {
    const std::string head = stream.ReceiveUntil("\r\n\r\n");
    if (head.empty()) {
      return;
    }
    const bool get = head.starts_with("GET /");
    if (!get && !head.starts_with("PUT /")) {
      stream.ReceiveExactly(Request().size() - Request().find("\r\n\r\n") - 4);
      stream.Send(kAnswer);
      continue;
    }
    const size_t mebibytes = std::stoul(head.substr(5));
    if (get) {
      stream.Send(
          fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", mebibytes * kMebibyte));
      SendMebibytes(stream, mebibytes);
    } else if (ReceiveMebibytes(stream, mebibytes)) {
      stream.Send(kAnswer);
    }
  }
}

void Row(const std::string& what, double figure, const std::string& unit, const std::string& goal,
         bool has_goal, bool met) {
  fmt::print("{}\t{:.4g} {}\t{}\t{}\n", what, figure, unit, has_goal ? goal : "-",
             !has_goal ? ""
             : met     ? "met"
                       : "missed");
  std::fflush(stdout);
}

// What the measurements share: the server that plays AWS, and a proxy in front of it.
struct Scene {
  Scene()
      : server([this](const auto& report) {
          PeerServer peer(key, ServeBench);
          report(peer.Port());
          pause();
        }),
        proxy([this](const auto& report) { RunProxy(report); }) {}

  void RunProxy(const std::function<void(uint16_t)>& report) const {
    BenchIssuer issuer(authority);
    CountingObserver observer;
    MetricsRegistry metrics;
    AwsProxyOptions options;
    options.host = "127.0.0.1";
    options.loops = 1;
    options.is_api_endpoint = [](std::string_view name) { return name == kName; };
    options.roots_file = roots;
    options.most_peer_connections = options.most_connections;
    options.upstream_override =
        UpstreamOverride{.address = *IpAddress::Parse("127.0.0.1"), .port = server.Port()};
    AwsProxy running(options, issuer, observer, metrics, Clock::System());
    if (!running.Start().ok()) {
      std::exit(1);
    }
    report(running.Port());
    pause();
  }

  const TestAuthority authority{"authority of the bench"};
  const TemporaryDirectory directory;
  const std::string roots = directory.WriteFile("roots.pem", authority.Pem());
  const CertifiedKey key = authority.Issue("aws", "DNS:" + std::string(kName));
  const Child server;
  const Child proxy;
};

// The client's side of all measurements.
class Load {
 public:
  explicit Load(std::string roots) : roots_(std::move(roots)) {}

  std::unique_ptr<PeerStream> Connect(uint16_t port) const {
    PeerConnection connection =
        ConnectPeer(port, {.server_name = std::string(kName), .roots = roots_});
    if (connection.stream == nullptr) {
      fmt::print(stderr, "aws_proxy: no connection: {}\n", connection.failure);
      std::exit(1);
    }
    return std::move(connection.stream);
  }

  static void Ask(PeerStream& stream) {
    if (!stream.Send(Request()) || stream.ReceiveExactly(kAnswer.size()) != kAnswer) {
      fmt::print(stderr, "aws_proxy: an answer is missing: {}\n", stream.HowItEnded());
      std::exit(1);
    }
  }

  // Median of one request after the other, in microseconds.
  double MedianLatency(uint16_t port) const {
    constexpr size_t kRequests = 2000;
    const std::unique_ptr<PeerStream> stream = Connect(port);
    std::vector<double> latencies;
    for (size_t i = 0; i < kRequests; ++i) {
      const auto begin = steady_clock::now();
      Ask(*stream);
      latencies.push_back(
          std::chrono::duration<double, std::micro>(steady_clock::now() - begin).count());
    }
    std::nth_element(latencies.begin(), latencies.begin() + kRequests / 2, latencies.end());
    return latencies[kRequests / 2];
  }

  // Requests that were answered on so many connections at a time.
  uint64_t AskFor(uint16_t port, int connections, std::chrono::seconds duration) const {
    std::atomic<uint64_t> answered{0};
    const auto end = steady_clock::now() + duration;
    std::vector<std::jthread> threads;
    for (int i = 0; i < connections; ++i) {
      threads.emplace_back([&] {
        const std::unique_ptr<PeerStream> stream = Connect(port);
        while (steady_clock::now() < end) {
          Ask(*stream);
          ++answered;
        }
      });
    }
    threads.clear();
    return answered;
  }

 private:
  std::string roots_;
};

void RunSmallRequests(int connections, int seconds, int idle) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  const Scene scene;
  const Load load(scene.authority.Pem());
  const uint16_t port = scene.proxy.Port();

  const double direct = load.MedianLatency(scene.server.Port());
  const double through = load.MedianLatency(port);
  Row("AWS proxy: added to a request, median", (through - direct) / 1000, "ms", "at most 1 ms",
      true, through - direct <= 1000);

  const double before = scene.proxy.ProcessorSeconds();
  const uint64_t answered = load.AskFor(port, connections, std::chrono::seconds(seconds));
  const double rate = static_cast<double>(answered) / (scene.proxy.ProcessorSeconds() - before);
  Row(fmt::format("AWS proxy: small requests on {} kept-alive connections, one core", connections),
      rate, "/s", "at least 10000 /s", true, rate >= 10'000);

  const size_t before_idle = ResidentKib(scene.proxy.Id());
  std::vector<std::unique_ptr<PeerStream>> held;
  for (int i = 0; i < idle; ++i) {
    held.push_back(load.Connect(port));
    Load::Ask(*held.back());
  }
  const double idle_mebibytes = static_cast<double>(ResidentKib(scene.proxy.Id())) / 1024;
  Row(fmt::format("AWS proxy: resident with {} idle connections", idle), idle_mebibytes, "MiB",
      "at most 200 MiB", true, idle_mebibytes <= 200);
  Row("AWS proxy: an idle connection",
      (idle_mebibytes - static_cast<double>(before_idle) / 1024) * 1024 / std::max(idle, 1), "KiB",
      "", false, true);
}

void RunLargeBody(size_t mebibytes) {
  const Scene scene;
  const Load load(scene.authority.Pem());
  const std::unique_ptr<PeerStream> stream = load.Connect(scene.proxy.Port());
  const auto rate = [&](const std::string& direction, const std::function<bool()>& go) {
    const double before = scene.proxy.ProcessorSeconds();
    if (!go()) {
      fmt::print(stderr, "aws_proxy: {}: not all bytes came\n", direction);
      std::exit(1);
    }
    const double seconds = scene.proxy.ProcessorSeconds() - before;
    Row(fmt::format("AWS proxy: {}, decrypted and encrypted again, one core", direction),
        static_cast<double>(mebibytes) / std::max(seconds, 0.01), "MiB/s", "", false, true);
  };
  rate("down", [&] {
    stream->Send(fmt::format("GET /{} HTTP/1.1\r\nHost: {}\r\n\r\n", mebibytes, kName));
    stream->ReceiveUntil("\r\n\r\n");
    return ReceiveMebibytes(*stream, mebibytes);
  });
  rate("up", [&] {
    stream->Send(fmt::format("PUT /{} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n",
                             mebibytes, kName, mebibytes * kMebibyte));
    return SendMebibytes(*stream, mebibytes) && stream->ReceiveExactly(kAnswer.size()) == kAnswer;
  });
  const double most = static_cast<double>(MostResidentKib(scene.proxy.Id())) / 1024;
  Row(fmt::format("AWS proxy: most resident with {} MiB each way through one connection",
                  mebibytes),
      most, "MiB", "at most 64 MiB", true, most <= 64);
}

}  // namespace
}  // namespace network_mapper::aws

int main(int argc, char** argv) {
  const auto argument = [&](int index, int otherwise) {
    return argc > index ? std::atoi(argv[index]) : otherwise;
  };
  const auto mebibytes = static_cast<size_t>(argument(4, 10 * 1024));
  // First: the children are forks, and begin with what is resident here.
  network_mapper::aws::RunLargeBody(mebibytes);
  network_mapper::aws::RunSmallRequests(argument(1, 32), argument(2, 10), argument(3, 5000));
}
