// One accepted connection as a byte stream for cpp-httplib, with a deadline for the whole request
// (not for each read) and a bound on the request's head. Used by HttpServer only; include it in .cc
// files.
#pragma once

#include <httplib.h>
#include <poll.h>

#include <chrono>
#include <cstddef>
#include <string>

#include "common/http/connection_bytes.h"
#include "common/http/http_server.h"
#include "common/time/clock.h"

namespace network_mapper {

// How much of the next request has come.
enum class Arrival {
  kNothing,
  kPart,
  // It can be served without waiting for its sender.
  kWhole,
  // The head, of a body that is not kept here until it is complete: serving it means waiting.
  kHead,
  // Nothing, and nothing will come.
  kEnd,
};

// Owns the socket. One thread at a time.
class RequestStream final : public httplib::Stream {
 public:
  // `options` must outlive this.
  RequestStream(int socket, const IpAddress& peer, const HttpServerOptions& options);
  RequestStream(const RequestStream&) = delete;
  RequestStream& operator=(const RequestStream&) = delete;
  ~RequestStream() override = default;

  // Takes bytes that are there, without waiting. The clock of a request starts with its first.
  Arrival Receive();

  // Forgets the request that was served; what was received beyond it is the next one's.
  Arrival NextRequest();

  const IpAddress& Peer() const { return peer_; }

  SteadyTime ReadDeadline() const { return read_deadline_; }

  // What to poll for, for Receive.
  short AwaitedForReceive() const { return bytes_.Awaited(POLLIN); }

  // Why there will never be a request; empty when all is well, or there is no TLS.
  const std::string& HandshakeError() const { return bytes_.HandshakeError(); }

  // Plain text that the peer understands may be written to the socket.
  bool IsPlain() const { return !bytes_.IsTls(); }

  // The sender took longer than the request timeout.
  bool TimedOut() const { return timed_out_; }

  // For a request that waited for us and not for its sender.
  void RestartClock();

  // The request's head has been read.
  void EndHead() { in_head_ = false; }

  // One more request was served; how many that makes.
  size_t CountRequest() { return ++served_; }

  bool is_readable() const override;
  bool is_writable() const override;
  ssize_t read(char* data, size_t size) override;
  ssize_t write(const char* data, size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;

  socket_t socket() const override { return bytes_.Socket(); }

 private:
  // Waits for poll events until the deadline.
  bool WaitFor(short events, SteadyTime deadline) const;
  bool Fill();

  bool HasBufferedBytes() const { return position_ < input_.size(); }

  void BeginRequest();
  Arrival Arrived();

  ConnectionBytes bytes_;
  const IpAddress peer_;
  const HttpServerOptions& options_;
  SteadyTime read_deadline_;
  SteadyTime write_deadline_;
  bool writing_ = false;
  bool in_head_ = true;
  size_t head_bytes_ = 0;
  size_t served_ = 0;
  // Received bytes; those before position_ have been read.
  std::string input_;
  size_t position_ = 0;
  bool timed_out_ = false;
  // The peer sends no more.
  bool ended_ = false;
  // No head ends before this.
  size_t scanned_ = 0;
  // Bytes of input that make a whole request; 0 until the head is there.
  size_t required_ = 0;
  bool awaits_body_ = true;
};

}  // namespace network_mapper
