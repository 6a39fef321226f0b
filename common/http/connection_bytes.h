// The bytes of an accepted connection, plain or by TLS, without waiting. Used by RequestStream
// only.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <string>

#include "common/http/tls_server_context.h"

using SSL = struct ssl_st;

namespace network_mapper {

// One thread at a time.
class ConnectionBytes {
 public:
  // Plain. Owns the socket.
  explicit ConnectionBytes(int socket) : socket_(socket) {}

  // By TLS; the handshake happens as bytes come. Null context: all fails.
  ConnectionBytes(int socket, const std::shared_ptr<SSL_CTX>& context);
  ConnectionBytes(const ConnectionBytes&) = delete;
  ConnectionBytes& operator=(const ConnectionBytes&) = delete;
  // Closes; by TLS it says so to the peer.
  ~ConnectionBytes();

  int Socket() const { return socket_; }

  // As recv and send with MSG_DONTWAIT: 0 is the end, -1 an error; with errno EAGAIN, poll for
  // Awaited() and try again.
  ssize_t Receive(char* data, size_t size);
  ssize_t Send(const char* data, size_t size);

  // Of poll(2): what the last call that gave EAGAIN waits for; `otherwise` when it was none.
  short Awaited(short otherwise) const { return awaited_ != 0 ? awaited_ : otherwise; }

  // There are bytes that poll does not know of.
  bool HasPending() const;

  bool IsTls() const { return tls_; }

  // The handshake is not over.
  bool IsHandshaking() const;

  // Why the handshake failed; empty when it did not.
  const std::string& HandshakeError() const { return handshake_error_; }

 private:
  struct SslDeleter {
    void operator()(SSL* ssl) const;
  };

  ssize_t Outcome(int result);

  const int socket_;
  const bool tls_ = false;
  std::unique_ptr<SSL, SslDeleter> ssl_;
  short awaited_ = 0;
  bool broken_ = false;
  std::string handshake_error_;
};

}  // namespace network_mapper
