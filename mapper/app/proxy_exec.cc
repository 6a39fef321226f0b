#include "mapper/app/proxy_exec.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <stop_token>
#include <string_view>
#include <utility>

#include "common/concurrency/guarded.h"
#include "common/kube/client.h"
#include "common/kube/pod_command.h"
#include "common/log/log.h"
#include "common/status/status.h"

namespace network_mapper {

namespace {

// Of sidecars, gateways and waypoints.
constexpr const char* kProxyContainer = "istio-proxy";
// How soon it is noticed that nobody wants the rest any more.
constexpr std::chrono::milliseconds kWritePatience{100};
constexpr std::chrono::hours kUntilWoken{1};

istio::ScrapeFailure FailureOf(const Status& status) {
  switch (status.code()) {
    case StatusCode::kPermissionDenied:
      return istio::ScrapeFailure::kExecForbidden;
    case StatusCode::kDeadlineExceeded:
      return istio::ScrapeFailure::kTimeout;
    default:
      return istio::ScrapeFailure::kExecFailed;
  }
}

}  // namespace

// Shared by who reads and who carries.
struct ProxyExec::Exchange {
  kube::PodCommand command;
  SteadyTime deadline;
  // Of the one who carries.
  int output = -1;
  std::stop_source given_up;
  // Set before the output ends.
  Guarded<std::optional<istio::ScrapeFailure>> failure{istio::ScrapeFailure::kExecFailed};

  Exchange() = default;
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  ~Exchange() { EndOutput(); }

  void EndOutput() {
    if (output >= 0) {
      close(std::exchange(output, -1));
    }
  }

  Status Write(std::string_view bytes) const {
    while (!bytes.empty()) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      if (given_up.stop_requested()) {
        return absl::CancelledError();
      }
      if (left.count() <= 0) {
        return DeadlineExceeded("nobody takes the output");
      }
      const ssize_t sent = send(output, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent > 0) {
        bytes.remove_prefix(static_cast<size_t>(sent));
      } else if (errno == EAGAIN || errno == EINTR) {
        pollfd room{.fd = output, .events = POLLOUT, .revents = 0};
        poll(&room, 1, static_cast<int>(std::min(left, kWritePatience).count()));
      } else {
        return absl::CancelledError();
      }
    }
    return OkStatus();
  }
};

class ProxyExec::Run final : public istio::CommandRun {
 public:
  Run(int descriptor, std::shared_ptr<Exchange> exchange)
      : descriptor_(descriptor), exchange_(std::move(exchange)) {}

  ~Run() override {
    exchange_->given_up.request_stop();
    if (descriptor_ >= 0) {
      close(descriptor_);
    }
  }

  int Descriptor() const override { return descriptor_; }

  std::optional<istio::ScrapeFailure> Failure() const override {
    return exchange_->failure.With([](const auto& failure) { return failure; });
  }

 private:
  int descriptor_;
  std::shared_ptr<Exchange> exchange_;
};

ProxyExec::ProxyExec(kube::Client& client, size_t threads) : client_(client) {
  for (size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) { Work(stop); });
  }
}

ProxyExec::~ProxyExec() {
  for (std::jthread& thread : threads_) {
    thread.request_stop();
  }
  waiting_.Change([](auto& waiting) { waiting.clear(); });
}

std::unique_ptr<istio::CommandRun> ProxyExec::Start(const istio::ProxyPod& pod,
                                                    const std::vector<std::string>& words,
                                                    std::chrono::nanoseconds timeout) {
  auto exchange = std::make_shared<Exchange>();
  exchange->command = {
      .name_space = pod.name_space, .pod = pod.name, .container = kProxyContainer, .words = words};
  exchange->deadline = std::chrono::steady_clock::now() + timeout;
  int ends[2] = {-1, -1};
  // Without descriptors the run has failed already.
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0) {
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    exchange->output = ends[1];
    waiting_.Change([&exchange](auto& waiting) { waiting.push_back(exchange); });
  }
  return std::make_unique<Run>(ends[0], std::move(exchange));
}

void ProxyExec::Work(const std::stop_token& stop) {
  const auto has_work = [&stop](const auto& waiting) {
    return stop.stop_requested() || !waiting.empty();
  };
  while (!stop.stop_requested()) {
    waiting_.WaitFor(kUntilWoken, has_work);
    const auto next = waiting_.Change([](auto& waiting) {
      std::shared_ptr<Exchange> first;
      if (!waiting.empty()) {
        first = std::move(waiting.front());
        waiting.pop_front();
      }
      return first;
    });
    if (next != nullptr) {
      const std::stop_callback end(stop, [&next] { next->given_up.request_stop(); });
      Carry(*next);
    }
  }
}

void ProxyExec::Carry(Exchange& exchange) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(exchange.deadline -
                                                                 std::chrono::steady_clock::now());
  const Status status =
      exchange.given_up.stop_requested()
          ? absl::CancelledError()
          : kube::RunInPod(
                client_, exchange.command, std::max(left, std::chrono::milliseconds(0)),
                [&exchange](std::string_view bytes) { return exchange.Write(bytes); },
                exchange.given_up.get_token());
  if (!status.ok()) {
    LogDebug("a command in a proxy's pod failed", {{"namespace", exchange.command.name_space},
                                                   {"pod", exchange.command.pod},
                                                   {"error", status}});
  }
  exchange.failure.With([&status](auto& failure) {
    failure = status.ok() ? std::nullopt : std::optional(FailureOf(status));
  });
  exchange.EndOutput();
}

}  // namespace network_mapper
