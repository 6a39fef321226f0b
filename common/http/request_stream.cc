#include "common/http/request_stream.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "common/http/request_head.h"

namespace network_mapper {

namespace {

constexpr size_t kReceiveBytes = 16UL * 1024;

// Longer bodies are read by the thread that serves the request, so that a thousand connections
// cannot make us keep gigabytes.
constexpr size_t kMaxAwaitedBodyBytes = 16UL * 1024;

bool WouldBlock(ssize_t got) {
  return got < 0 && (errno == EAGAIN || errno == EINTR);
}

}  // namespace

RequestStream::RequestStream(int socket, const IpAddress& peer, const HttpServerOptions& options)
    : bytes_(options.tls == nullptr ? ConnectionBytes(socket)
                                    : ConnectionBytes(socket, options.tls->Current())),
      peer_(peer),
      options_(options) {
  // A handshake has as much time as a request.
  RestartClock();
}

Arrival RequestStream::Receive() {
  while (true) {
    std::array<char, kReceiveBytes> bytes{};
    ssize_t got = bytes_.Receive(bytes.data(), bytes.size());
    if (got > 0) {
      if (input_.empty()) {
        BeginRequest();
      }
      input_.append(bytes.data(), static_cast<size_t>(got));
    } else if (!WouldBlock(got)) {
      ended_ = true;
    }
    const Arrival arrival = Arrived();
    // What TLS keeps back, poll does not tell of.
    if (arrival != Arrival::kPart || !bytes_.HasPending()) {
      return arrival;
    }
  }
}

Arrival RequestStream::NextRequest() {
  // A new string: an idle connection keeps no buffer.
  input_ = std::string(input_, position_);
  BeginRequest();
  const Arrival arrival = Arrived();
  const bool complete = arrival == Arrival::kWhole || arrival == Arrival::kHead;
  return !complete && bytes_.HasPending() ? Receive() : arrival;
}

void RequestStream::RestartClock() {
  read_deadline_ = Clock::System().SteadyNow() + options_.request_timeout;
}

void RequestStream::BeginRequest() {
  RestartClock();
  writing_ = false;
  in_head_ = true;
  head_bytes_ = 0;
  position_ = 0;
  scanned_ = 0;
  required_ = 0;
  awaits_body_ = true;
}

Arrival RequestStream::Arrived() {
  if (input_.empty() && bytes_.IsHandshaking() && !ended_) {
    return Arrival::kPart;
  }
  if (input_.empty()) {
    return ended_ ? Arrival::kEnd : Arrival::kNothing;
  }
  if (required_ == 0) {
    constexpr std::string_view kEmptyLine = "\n\r\n";
    size_t found = input_.find(kEmptyLine, scanned_);
    if (found == std::string::npos) {
      scanned_ = input_.size() - std::min(input_.size(), kEmptyLine.size() - 1);
      bool hopeless = ended_ || input_.size() > options_.max_header_bytes;
      return hopeless ? Arrival::kWhole : Arrival::kPart;
    }
    required_ = found + kEmptyLine.size();
    std::optional<uint64_t> body =
        AnnouncedBodyBytes(std::string_view(input_).substr(0, required_));
    bool refused = body && *body > options_.max_body_bytes;
    awaits_body_ = refused || (body && *body <= kMaxAwaitedBodyBytes);
    if (awaits_body_ && !refused) {
      required_ += *body;
    }
  }
  if (!awaits_body_) {
    return Arrival::kHead;
  }
  return ended_ || input_.size() >= required_ ? Arrival::kWhole : Arrival::kPart;
}

bool RequestStream::WaitFor(short events, SteadyTime deadline) const {
  while (true) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::System().SteadyNow())
                    .count();
    if (left <= 0) {
      return false;
    }
    pollfd entry{.fd = bytes_.Socket(), .events = events, .revents = 0};
    int ready = poll(&entry, 1, static_cast<int>(std::min<decltype(left)>(left, 60'000)));
    if (ready > 0) {
      return true;
    }
    if (ready < 0 && errno != EINTR) {
      return false;
    }
  }
}

bool RequestStream::Fill() {
  while (true) {
    input_.resize(kReceiveBytes);
    ssize_t got = bytes_.Receive(input_.data(), input_.size());
    position_ = 0;
    bool would_block = WouldBlock(got);
    input_.resize(static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got > 0) {
      return true;
    }
    if (!would_block) {
      return false;
    }
    if (!WaitFor(bytes_.Awaited(POLLIN), read_deadline_)) {
      timed_out_ = true;
      return false;
    }
  }
}

bool RequestStream::is_readable() const {
  return HasBufferedBytes() || bytes_.HasPending() || WaitFor(POLLIN, read_deadline_);
}

bool RequestStream::is_writable() const {
  return WaitFor(POLLOUT, writing_ ? write_deadline_
                                   : Clock::System().SteadyNow() + options_.response_timeout);
}

ssize_t RequestStream::read(char* data, size_t size) {
  // A sender that always has one more byte ready must not get past the deadline either.
  if (!HasBufferedBytes()) {
    timed_out_ = timed_out_ || Clock::System().SteadyNow() >= read_deadline_;
    if (timed_out_ || !Fill()) {
      return -1;
    }
  }
  size_t taken = std::min(size, input_.size() - position_);
  if (in_head_) {
    head_bytes_ += taken;
    if (head_bytes_ > options_.max_header_bytes) {
      return -1;
    }
  }
  std::memcpy(data, input_.data() + position_, taken);
  position_ += taken;
  return static_cast<ssize_t>(taken);
}

ssize_t RequestStream::write(const char* data, size_t size) {
  if (!writing_) {
    writing_ = true;
    write_deadline_ = Clock::System().SteadyNow() + options_.response_timeout;
  }
  size_t sent = 0;
  while (sent < size) {
    ssize_t wrote = bytes_.Send(data + sent, size - sent);
    if (wrote > 0) {
      sent += static_cast<size_t>(wrote);
      continue;
    }
    if (!WouldBlock(wrote) || !WaitFor(bytes_.Awaited(POLLOUT), write_deadline_)) {
      return -1;
    }
  }
  return static_cast<ssize_t>(sent);
}

// Nothing here reads the port.
void RequestStream::get_remote_ip_and_port(std::string& ip, int& port) const {
  ip = peer_.ToString();
  port = 0;
}

void RequestStream::get_local_ip_and_port(std::string& ip, int& port) const {
  ip.clear();
  port = 0;
}

}  // namespace network_mapper
