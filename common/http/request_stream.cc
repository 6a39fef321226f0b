#include "common/http/request_stream.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace network_mapper {

RequestStream::RequestStream(int socket, const HttpServerOptions& options)
    : socket_(socket), options_(options) {}

RequestStream::~RequestStream() {
  close(socket_);
}

void RequestStream::BeginRequest() {
  read_deadline_ = Clock::System().SteadyNow() + options_.request_timeout;
  writing_ = false;
  in_head_ = true;
  head_bytes_ = 0;
}

bool RequestStream::WaitFor(short events, SteadyTime deadline) const {
  while (true) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::System().SteadyNow())
                    .count();
    if (left <= 0) {
      return false;
    }
    pollfd entry{.fd = socket_, .events = events, .revents = 0};
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
    ssize_t got = recv(socket_, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (got > 0) {
      position_ = 0;
      filled_ = static_cast<size_t>(got);
      return true;
    }
    bool would_block = got < 0 && (errno == EAGAIN || errno == EINTR);
    if (!would_block || !WaitFor(POLLIN, read_deadline_)) {
      return false;
    }
  }
}

bool RequestStream::is_readable() const {
  return HasBufferedBytes() || WaitFor(POLLIN, read_deadline_);
}

bool RequestStream::is_writable() const {
  return WaitFor(POLLOUT, writing_ ? write_deadline_
                                   : Clock::System().SteadyNow() + options_.response_timeout);
}

ssize_t RequestStream::read(char* data, size_t size) {
  // A sender that always has one more byte ready must not get past the deadline either.
  if (!HasBufferedBytes() && (Clock::System().SteadyNow() >= read_deadline_ || !Fill())) {
    return -1;
  }
  size_t taken = std::min(size, filled_ - position_);
  if (in_head_) {
    head_bytes_ += taken;
    if (head_bytes_ > options_.max_header_bytes) {
      return -1;
    }
  }
  std::memcpy(data, buffer_.data() + position_, taken);
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
    ssize_t wrote = send(socket_, data + sent, size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (wrote > 0) {
      sent += static_cast<size_t>(wrote);
      continue;
    }
    bool would_block = wrote < 0 && (errno == EAGAIN || errno == EINTR);
    if (!would_block || !WaitFor(POLLOUT, write_deadline_)) {
      return -1;
    }
  }
  return static_cast<ssize_t>(sent);
}

// Nothing here reads the peer's address.
void RequestStream::get_remote_ip_and_port(std::string& ip, int& port) const {
  ip.clear();
  port = 0;
}

void RequestStream::get_local_ip_and_port(std::string& ip, int& port) const {
  ip.clear();
  port = 0;
}

}  // namespace network_mapper
