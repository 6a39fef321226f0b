// Both ends of what the proxy is between: a TLS server that plays AWS, and a client. They block and
// are simple, so that what they send and receive is exactly what a test says.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/test_certificates.h"

namespace network_mapper::aws {

// A connection, with TLS or without; times out after 20 seconds. Not thread-safe, but one thread
// may send while another receives where there is no TLS.
class PeerStream {
 public:
  struct Inside;

  explicit PeerStream(std::unique_ptr<Inside> inside);
  ~PeerStream();

  bool Send(std::string_view bytes);
  // What comes next; empty: the end, or a failure.
  std::string ReceiveSome();
  std::string ReceiveExactly(size_t size);
  std::string ReceiveUntil(std::string_view end);
  std::string ReceiveAll();
  // Says in TLS that no more is sent.
  void SayEnd();
  // Ends TCP's sending side.
  void EndSending();
  void Reset();

  // How the last receiving ended: "close_notify", "end", "reset", "tls", "timeout", or "" for not
  // at all.
  std::string HowItEnded() const;
  // The protocol that was chosen by ALPN.
  std::string Protocol() const;
  // The handshake was that of a session that was there before.
  bool Resumed() const;
  // The server's certificate, or the name that the client asked for.
  std::string PeerIssuer() const;
  // PEM, without the chain.
  std::string PeerCertificate() const;
  std::string ServerName() const;

 private:
  std::unique_ptr<Inside> inside_;
};

struct PeerServerOptions {
  // As ALPN lists them, in the order of preference, such as "h2,http/1.1".
  std::string protocols{};
  bool plain_text = false;
  bool wants_client_certificate = false;
};

class PeerServer {
 public:
  // Each connection has a thread that calls `serve`; its return closes the connection.
  PeerServer(const CertifiedKey& key, std::function<void(PeerStream&)> serve,
             PeerServerOptions options = {});
  ~PeerServer();

  uint16_t Port() const;
  // Connections whose handshake succeeded.
  int Accepted() const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

struct PeerClientOptions {
  std::string server_name = "sqs.eu-west-1.amazonaws.com";
  // PEM; empty: anything is trusted.
  std::string roots{};
  std::string protocols{};
  // 127.x.y.z
  std::string from = "127.0.0.1";
  int receive_buffer = 0;
};

struct PeerConnection {
  // Null: there is none.
  std::unique_ptr<PeerStream> stream;
  // "connect", "reset", "end", "timeout" or "tls: <OpenSSL's words>".
  std::string failure;
};

PeerConnection ConnectPeer(uint16_t port, const PeerClientOptions& options = {});

}  // namespace network_mapper::aws
