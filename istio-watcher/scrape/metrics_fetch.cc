#include "istio-watcher/scrape/metrics_fetch.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "common/build_info/build_info.h"

namespace network_mapper::istio {

namespace {

// What is read at a time: one after the other gets its turn.
constexpr size_t kReadSize = size_t{64} * 1024;

// Closed again where the family is not to be had.
int OpenSocket(const IpAddress& address) {
  return socket(address.IsV4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

int ConnectTo(int fd, const IpAddress& address, uint16_t port) {
  const auto bytes = address.Bytes();
  if (address.IsV4()) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    std::memcpy(&to.sin_addr, bytes.data(), bytes.size());
    return connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to));
  }
  sockaddr_in6 to{};
  to.sin6_family = AF_INET6;
  to.sin6_port = htons(port);
  std::memcpy(&to.sin6_addr, bytes.data(), bytes.size());
  return connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to));
}

std::string RequestText(const FetchTarget& target) {
  const std::string address = target.address.ToString();
  return fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}:{}\r\nUser-Agent: network-mapper/{}\r\n"
      "Accept: text/plain\r\nAccept-Encoding: identity\r\nConnection: close\r\n\r\n",
      target.path, target.address.IsV4() ? address : "[" + address + "]", target.port, Version());
}

// "text/plain; version=0.0.4", or OpenMetrics, which an agent may pass on from an application.
bool IsText(std::string_view content_type) {
  std::string type(content_type.substr(0, content_type.find(';')));
  std::transform(type.begin(), type.end(), type.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return type.starts_with("text/plain") || type.starts_with("application/openmetrics-text");
}

std::optional<ScrapeFailure> JudgeHead(const ResponseHead& head) {
  constexpr int kOk = 200;
  constexpr int kFirstRedirect = 300;
  constexpr int kFirstClientError = 400;
  constexpr int kUnauthorized = 401;
  constexpr int kForbiddenCode = 403;
  if (head.code == kUnauthorized || head.code == kForbiddenCode) {
    return ScrapeFailure::kForbidden;
  }
  if (head.code >= kFirstRedirect && head.code < kFirstClientError) {
    return ScrapeFailure::kRedirect;
  }
  if (head.code != kOk) {
    return ScrapeFailure::kBadStatus;
  }
  const std::string_view encoding = head.Header("content-encoding");
  if (!encoding.empty() && encoding != "identity") {
    return ScrapeFailure::kCompressed;
  }
  return IsText(head.Header("content-type")) ? std::nullopt
                                             : std::optional(ScrapeFailure::kContentType);
}

}  // namespace

MetricsFetch::MetricsFetch(FetchTarget target, SteadyTime deadline, TakeStats take)
    : target_(std::move(target)),
      deadline_(deadline),
      take_(std::move(take)),
      request_(RequestText(target_)) {
  Connect();
}

MetricsFetch::~MetricsFetch() {
  if (fd_ >= 0) {
    close(fd_);
  }
}

short MetricsFetch::Events() const {
  return step_ == Step::kReading ? POLLIN : POLLOUT;
}

void MetricsFetch::Advance(SteadyTime now) {
  if (IsOver()) {
    return;
  }
  if (now >= deadline_) {
    End(ScrapeFailure::kTimeout);
    return;
  }
  switch (step_) {
    case Step::kConnecting:
      FinishConnecting();
      break;
    case Step::kSending:
      Send();
      break;
    case Step::kReading:
      Read();
      break;
  }
}

void MetricsFetch::Connect() {
  fd_ = OpenSocket(target_.address);
  if (fd_ < 0) {
    failure_ = ScrapeFailure::kUnreachable;
    return;
  }
  if (ConnectTo(fd_, target_.address, target_.port) == 0) {
    step_ = Step::kSending;
  } else if (errno != EINPROGRESS) {
    End(ScrapeFailure::kUnreachable);
  }
}

void MetricsFetch::FinishConnecting() {
  int error = 0;
  socklen_t size = sizeof(error);
  if (getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
    End(ScrapeFailure::kUnreachable);
    return;
  }
  step_ = Step::kSending;
  Send();
}

void MetricsFetch::Send() {
  const ssize_t sent = send(fd_, request_.data(), request_.size(), MSG_NOSIGNAL);
  if (sent < 0) {
    if (errno != EAGAIN && errno != EINTR) {
      End(ScrapeFailure::kUnreachable);
    }
    return;
  }
  request_.erase(0, static_cast<size_t>(sent));
  if (request_.empty()) {
    step_ = Step::kReading;
  }
}

void MetricsFetch::Read() {
  thread_local std::array<char, kReadSize> buffer;
  const ssize_t got = recv(fd_, buffer.data(), buffer.size(), 0);
  if (got > 0) {
    TakeBytes({buffer.data(), static_cast<size_t>(got)});
  } else if (got == 0) {
    TakeEnd();
  } else if (errno != EAGAIN && errno != EINTR) {
    End(body_ ? ScrapeFailure::kCut : ScrapeFailure::kUnreachable);
  }
}

void MetricsFetch::TakeBytes(std::string_view bytes) {
  if (body_) {
    TakeBody(bytes);
    return;
  }
  head_.append(bytes);
  const StatusOr<std::optional<ResponseHead>> head = ParseResponseHead(head_);
  if (!head.ok()) {
    End(ScrapeFailure::kNotHttp);
  } else if (*head) {
    TakeHead(**head);
    if (!IsOver()) {
      const std::string rest = std::exchange(head_, {}).substr((*head)->size);
      TakeBody(rest);
    }
  }
}

void MetricsFetch::TakeHead(const ResponseHead& head) {
  if (const auto failure = JudgeHead(head)) {
    End(failure);
    return;
  }
  StatusOr<ResponseBody> body = ResponseBody::After(head);
  if (!body.ok()) {
    End(ScrapeFailure::kNotHttp);
    return;
  }
  body_ = *std::move(body);
}

void MetricsFetch::TakeBody(std::string_view bytes) {
  bool is_taken = true;
  const Status status = body_->Feed(bytes, [&](std::string_view part) {
    bytes_ += part.size();
    Status taken = take_(part);
    is_taken = taken.ok();
    return taken;
  });
  if (!status.ok()) {
    End(is_taken ? ScrapeFailure::kNotHttp : ScrapeFailure::kTooLong);
  } else if (body_->IsOver()) {
    End(std::nullopt);
  }
}

void MetricsFetch::TakeEnd() {
  if (!body_) {
    End(head_.empty() ? ScrapeFailure::kUnreachable : ScrapeFailure::kCut);
    return;
  }
  End(body_->EndOfConnection().ok() ? std::nullopt : std::optional(ScrapeFailure::kCut));
}

void MetricsFetch::End(std::optional<ScrapeFailure> failure) {
  close(std::exchange(fd_, -1));
  failure_ = failure;
}

}  // namespace network_mapper::istio
