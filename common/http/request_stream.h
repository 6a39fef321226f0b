// One accepted connection as a byte stream for cpp-httplib, with a deadline for the whole request
// (not for each read) and a bound on the request's head. Used by HttpServer only; include it in .cc
// files.
#pragma once

#include <httplib.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <string>

#include "common/http/http_server.h"
#include "common/time/clock.h"

namespace network_mapper {

// Owns the socket. One thread at a time.
class RequestStream final : public httplib::Stream {
 public:
  RequestStream(int socket, const HttpServerOptions& options);
  RequestStream(const RequestStream&) = delete;
  RequestStream& operator=(const RequestStream&) = delete;
  ~RequestStream() override;

  // Starts the clock and the byte count of the next request.
  void BeginRequest();

  // The request's head has been read.
  void EndHead() { in_head_ = false; }

  // Whether bytes of a next request have arrived already.
  bool HasBufferedBytes() const { return position_ < filled_; }

  // One more request was served; how many that makes.
  size_t CountRequest() { return ++served_; }

  bool is_readable() const override;
  bool is_writable() const override;
  ssize_t read(char* data, size_t size) override;
  ssize_t write(const char* data, size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;

  socket_t socket() const override { return socket_; }

 private:
  // Waits for poll events until the deadline.
  bool WaitFor(short events, SteadyTime deadline) const;
  bool Fill();

  int socket_;
  const HttpServerOptions& options_;
  SteadyTime read_deadline_;
  SteadyTime write_deadline_;
  bool writing_ = false;
  bool in_head_ = true;
  size_t head_bytes_ = 0;
  size_t served_ = 0;
  size_t position_ = 0;
  size_t filled_ = 0;
  std::array<char, 16384> buffer_{};
};

}  // namespace network_mapper
