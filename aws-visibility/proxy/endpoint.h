// One side of a relayed connection: a non-blocking socket, with TLS on it or without. One thread at
// a time. An epoll loop, edge-triggered, tells it what the kernel said; it then reads and writes
// until nothing more goes, so that no system call is made in vain.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "aws-visibility/proxy/tls_pointers.h"

namespace network_mapper::aws {

class Connection;

enum class IoResult : uint8_t {
  kDone,
  // Nothing goes at the moment.
  kAgain,
  // The peer says in TLS that it sends no more.
  kCloseNotify,
  // The peer's TCP connection sends no more; without TLS also the proper end.
  kEnd,
  kFailed,
  // The server wants a certificate of the client; only of handshakes.
  kWantsCertificate,
};

class Endpoint {
 public:
  explicit Endpoint(Connection& connection) : connection_(&connection) {}

  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;
  ~Endpoint();

  // Owns `fd` from here on; what was before is closed and forgotten.
  void Open(int fd);

  // From here on bytes are encrypted. `early` was read from the socket before and comes first.
  // False: out of memory.
  bool StartTls(TlsPtr<SSL> ssl, std::string early);

  // What epoll said.
  void NoteEvents(uint32_t events);

  IoResult Handshake();
  // kDone: `size` bytes, more than none, are in `buffer`.
  IoResult Read(std::span<char> buffer, size_t& size);
  // kDone or kAgain: `size` bytes were taken. After kAgain the rest must be given again.
  IoResult Write(std::string_view bytes, size_t& size);
  // Passes on that no more is sent; kAgain: to be called again.
  IoResult EndWriting(bool close_notify, bool fin);

  // The peer ended with a reset instead of properly.
  bool WasReset() const { return reset_; }

  // The peer's TCP connection sends no more, whatever is still to be read.
  bool PeerHungUp() const { return peer_hung_up_; }

  // Bytes that went over the wire during the handshake or later.
  uint64_t SentBytes() const { return sent_bytes_; }

  // The alert of the peer that ended a handshake, by its number; -1: none.
  int PeerAlert() const { return peer_alert_; }

  // What OpenSSL said when a handshake failed.
  const std::string& Failure() const { return failure_; }

  // Ends the socket; `reset`: the peer sees a reset.
  void Close(bool reset);

  int Fd() const { return fd_; }

  SSL* Tls() const { return ssl_.get(); }

  Connection& Owner() const { return *connection_; }

  // For OpenSSL's side of it: -1 with errno, as the system calls.
  long ReceiveSome(char* buffer, size_t size);
  long SendSome(const char* bytes, size_t size);

 private:
  IoResult Explain(int result, bool handshake);

  Connection* connection_;
  int fd_ = -1;
  TlsPtr<SSL> ssl_;
  std::string early_;
  size_t early_taken_ = 0;
  uint64_t sent_bytes_ = 0;
  bool readable_ = true;
  bool writable_ = true;
  bool peer_hung_up_ = false;
  bool reset_ = false;
  // A read found the end of the TCP stream.
  bool ended_ = false;
  bool sent_close_notify_ = false;
  int peer_alert_ = -1;
  std::string failure_;
};

}  // namespace network_mapper::aws
