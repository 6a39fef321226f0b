// Accepts the connections of the report server and hands them to gRPC. gRPC's own listener, as of
// 1.51, stops for ever when accept fails once, so that a peer that opens many connections would
// make the mapper deaf; this one refuses what is over the limit and goes on. Internal to this
// folder: it shows gRPC's headers.
#pragma once

#include <cstddef>
#include <memory>
#include <stop_token>
#include <thread>

#include <grpcpp/server_builder.h>

#include "common/log/log.h"
#include "common/metrics/metrics.h"
#include "common/net/tcp_listener.h"
#include "common/status/status.h"
#include "mapper/ingest/peer_connections.h"

namespace network_mapper {

// Open at a time.
struct ConnectionLimits {
  // About.
  size_t total = 0;
  // Of one address.
  size_t per_peer = 0;
};

class ConnectionAcceptor {
 public:
  using GrpcAcceptor = grpc::experimental::ExternalConnectionAcceptor;

  // Takes the socket over and begins to accept. `refused` must outlive it.
  ConnectionAcceptor(const TcpListener& listener, std::unique_ptr<GrpcAcceptor> grpc,
                     const ConnectionLimits& limits, Counter& refused);
  ConnectionAcceptor(const ConnectionAcceptor&) = delete;
  ConnectionAcceptor& operator=(const ConnectionAcceptor&) = delete;
  // Accepts no more.
  ~ConnectionAcceptor();

 private:
  void Run(const std::stop_token& stop);
  void Take(int fd);
  void Refuse(const char* reason);

  const int listener_fd_;
  const std::unique_ptr<GrpcAcceptor> grpc_;
  const int first_refused_fd_;
  // Only the worker's.
  PeerConnections peers_;
  Counter& refused_;
  LogRateLimit log_limit_;
  std::jthread worker_;
};

}  // namespace network_mapper
