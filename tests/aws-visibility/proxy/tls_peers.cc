#include "tests/aws-visibility/proxy/tls_peers.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <list>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "common/net/tcp_listener.h"

namespace network_mapper::aws {

namespace {

struct PeerFree {
  void operator()(SSL* ssl) const { SSL_free(ssl); }

  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }

  void operator()(BIO* bio) const { BIO_free(bio); }

  void operator()(X509* certificate) const { X509_free(certificate); }

  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

template <typename T>
using PeerPtr = std::unique_ptr<T, PeerFree>;

// "h2,http/1.1" as ALPN writes it.
std::string WireProtocols(const std::string& list) {
  std::string wire;
  size_t begin = 0;
  while (begin < list.size()) {
    const size_t end = std::min(list.find(',', begin), list.size());
    wire.push_back(static_cast<char>(end - begin));
    wire.append(list, begin, end - begin);
    begin = end + 1;
  }
  return wire;
}

void Prepare(int fd) {
  // What is sent in two parts does not wait for the other side to acknowledge the first.
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  const timeval patience{.tv_sec = 20, .tv_usec = 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

PeerPtr<BIO> PeerMemory(const std::string& text) {
  return PeerPtr<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

int ChooseForPeer(SSL*, const unsigned char** chosen, unsigned char* size,
                  const unsigned char* offered, unsigned int offered_size, void* list) {
  const auto& wanted = *static_cast<const std::string*>(list);
  unsigned char* out = nullptr;
  if (SSL_select_next_proto(&out, size, reinterpret_cast<const unsigned char*>(wanted.data()),
                            static_cast<unsigned int>(wanted.size()), offered,
                            offered_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *chosen = out;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

struct PeerStream::Inside {
  ~Inside() {
    ssl.reset();
    if (fd >= 0) {
      close(fd);
    }
  }

  int fd = -1;
  PeerPtr<SSL> ssl;
  std::string kept;
  std::string how;
};

PeerStream::PeerStream(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}

PeerStream::~PeerStream() = default;

bool PeerStream::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const long sent =
        inside_->ssl != nullptr
            ? SSL_write(inside_->ssl.get(), bytes.data(), static_cast<int>(bytes.size()))
            : send(inside_->fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      return false;
    }
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

std::string PeerStream::ReceiveSome() {
  if (!inside_->kept.empty()) {
    return std::exchange(inside_->kept, {});
  }
  std::array<char, 32768> buffer{};
  ERR_clear_error();
  errno = 0;
  if (inside_->ssl == nullptr) {
    const ssize_t got = recv(inside_->fd, buffer.data(), buffer.size(), 0);
    if (got <= 0) {
      inside_->how = got == 0 ? "end" : errno == EAGAIN ? "timeout" : "reset";
    }
    return {buffer.data(), got > 0 ? static_cast<size_t>(got) : 0};
  }
  const int got = SSL_read(inside_->ssl.get(), buffer.data(), static_cast<int>(buffer.size()));
  if (got > 0) {
    return {buffer.data(), static_cast<size_t>(got)};
  }
  const int error = SSL_get_error(inside_->ssl.get(), got);
  if (error == SSL_ERROR_ZERO_RETURN) {
    inside_->how = "close_notify";
  } else if (error == SSL_ERROR_WANT_READ || errno == EAGAIN) {
    inside_->how = "timeout";
  } else if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    inside_->how = "end";
  } else {
    inside_->how = error == SSL_ERROR_SYSCALL ? "reset" : "tls";
  }
  return {};
}

std::string PeerStream::ReceiveExactly(size_t size) {
  std::string all;
  while (all.size() < size) {
    const std::string part = ReceiveSome();
    if (part.empty()) {
      return all;
    }
    all += part;
  }
  inside_->kept = all.substr(size);
  all.resize(size);
  return all;
}

std::string PeerStream::ReceiveUntil(std::string_view end) {
  std::string all;
  size_t at = std::string::npos;
  while ((at = all.find(end)) == std::string::npos) {
    const std::string part = ReceiveSome();
    if (part.empty()) {
      return all;
    }
    all += part;
  }
  inside_->kept = all.substr(at + end.size());
  all.resize(at + end.size());
  return all;
}

std::string PeerStream::ReceiveAll() {
  std::string all;
  while (true) {
    const std::string part = ReceiveSome();
    if (part.empty()) {
      return all;
    }
    all += part;
  }
}

void PeerStream::SayEnd() {
  SSL_shutdown(inside_->ssl.get());
}

void PeerStream::EndSending() {
  shutdown(inside_->fd, SHUT_WR);
}

void PeerStream::Reset() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(inside_->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  close(std::exchange(inside_->fd, -1));
}

std::string PeerStream::HowItEnded() const {
  return inside_->how;
}

std::string PeerStream::Protocol() const {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(inside_->ssl.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

bool PeerStream::Resumed() const {
  return SSL_session_reused(inside_->ssl.get()) == 1;
}

std::string PeerStream::PeerIssuer() const {
  const PeerPtr<X509> certificate(SSL_get1_peer_certificate(inside_->ssl.get()));
  std::array<char, 256> text{};
  X509_NAME_get_text_by_NID(X509_get_issuer_name(certificate.get()), NID_commonName, text.data(),
                            static_cast<int>(text.size()));
  return text.data();
}

std::string PeerStream::PeerCertificate() const {
  const PeerPtr<X509> certificate(SSL_get1_peer_certificate(inside_->ssl.get()));
  const PeerPtr<BIO> text(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(text.get(), certificate.get());
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(text.get(), &bytes);
  return {bytes, static_cast<size_t>(size)};
}

std::string PeerStream::ServerName() const {
  const char* name = SSL_get_servername(inside_->ssl.get(), TLSEXT_NAMETYPE_host_name);
  return name == nullptr ? "" : name;
}

struct PeerServer::Implementation {
  void AcceptAll() {
    while (true) {
      const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) {
        return;
      }
      const std::lock_guard lock(mutex);
      open.insert(fd);
      threads.emplace_back([this, fd] { Serve(fd); });
    }
  }

  void Serve(int fd) {
    Prepare(fd);
    auto inside = std::make_unique<PeerStream::Inside>();
    inside->fd = fd;
    bool ready = true;
    if (context != nullptr) {
      inside->ssl.reset(SSL_new(context.get()));
      SSL_set_fd(inside->ssl.get(), fd);
      ready = SSL_accept(inside->ssl.get()) == 1;
    }
    PeerStream stream(std::move(inside));
    if (ready) {
      ++accepted;
      serve(stream);
    }
    const std::lock_guard lock(mutex);
    open.erase(fd);
  }

  PeerPtr<SSL_CTX> context;
  std::function<void(PeerStream&)> serve;
  std::string protocols;
  int listener = -1;
  uint16_t port = 0;
  std::atomic<int> accepted{0};
  std::mutex mutex;
  std::set<int> open;
  std::list<std::jthread> threads;
  std::jthread acceptor;
};

PeerServer::PeerServer(const CertifiedKey& key, std::function<void(PeerStream&)> serve,
                       PeerServerOptions options)
    : implementation_(std::make_unique<Implementation>()) {
  Implementation& it = *implementation_;
  // OpenSSL's socket BIO writes where the peer may have gone.
  (void)std::signal(SIGPIPE, SIG_IGN);
  it.serve = std::move(serve);
  it.protocols = WireProtocols(options.protocols);
  if (!options.plain_text) {
    it.context.reset(SSL_CTX_new(TLS_server_method()));
    const PeerPtr<BIO> certificate_text = PeerMemory(key.certificate_pem);
    const PeerPtr<BIO> key_text = PeerMemory(key.key_pem);
    const PeerPtr<X509> certificate(
        PEM_read_bio_X509(certificate_text.get(), nullptr, nullptr, nullptr));
    const PeerPtr<EVP_PKEY> private_key(
        PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr));
    SSL_CTX_use_certificate(it.context.get(), certificate.get());
    SSL_CTX_use_PrivateKey(it.context.get(), private_key.get());
    if (!it.protocols.empty()) {
      SSL_CTX_set_alpn_select_cb(it.context.get(), ChooseForPeer, &it.protocols);
    }
    if (options.wants_client_certificate) {
      SSL_CTX_set_verify(it.context.get(), SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
    }
  }
  StatusOr<TcpListener> listener = ListenOnTcp("127.0.0.1", 0);
  if (!listener.ok()) {
    std::abort();
  }
  it.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  close(listener->fd);
  it.port = listener->port;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(it.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int on = 1;
  setsockopt(it.listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (bind(it.listener, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(it.listener, 1024) != 0) {
    std::abort();
  }
  it.acceptor = std::jthread([&it] { it.AcceptAll(); });
}

PeerServer::~PeerServer() {
  Implementation& it = *implementation_;
  shutdown(it.listener, SHUT_RDWR);
  it.acceptor.join();
  close(it.listener);
  {
    const std::lock_guard lock(it.mutex);
    for (const int fd : it.open) {
      shutdown(fd, SHUT_RDWR);
    }
  }
  it.threads.clear();
}

uint16_t PeerServer::Port() const {
  return implementation_->port;
}

int PeerServer::Accepted() const {
  return implementation_->accepted;
}

PeerConnection ConnectPeer(uint16_t port, const PeerClientOptions& options) {
  (void)std::signal(SIGPIPE, SIG_IGN);
  auto inside = std::make_unique<PeerStream::Inside>();
  inside->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (options.receive_buffer > 0) {
    setsockopt(inside->fd, SOL_SOCKET, SO_RCVBUF, &options.receive_buffer,
               sizeof(options.receive_buffer));
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  inet_pton(AF_INET, options.from.c_str(), &address.sin_addr);
  bind(inside->fd, reinterpret_cast<sockaddr*>(&address), sizeof(address));
  Prepare(inside->fd);
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(inside->fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    return {.stream = nullptr, .failure = "connect"};
  }
  const PeerPtr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()));
  if (!options.roots.empty()) {
    const PeerPtr<BIO> text = PeerMemory(options.roots);
    while (const PeerPtr<X509> root{PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr)}) {
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), root.get());
    }
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  }
  inside->ssl.reset(SSL_new(context.get()));
  SSL* const ssl = inside->ssl.get();
  if (!options.server_name.empty()) {
    std::string name = options.server_name;
    SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
    SSL_set1_host(ssl, name.c_str());
  }
  if (const std::string wire = WireProtocols(options.protocols); !wire.empty()) {
    SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(wire.data()),
                        static_cast<unsigned int>(wire.size()));
  }
  SSL_set_fd(ssl, inside->fd);
  ERR_clear_error();
  errno = 0;
  if (const int result = SSL_connect(ssl); result != 1) {
    const int error_number = errno;
    const unsigned long code = ERR_peek_error();
    if (code != 0 && ERR_GET_REASON(code) != SSL_R_UNEXPECTED_EOF_WHILE_READING) {
      return {.stream = nullptr, .failure = "tls: " + std::string(ERR_reason_error_string(code))};
    }
    return {.stream = nullptr,
            .failure = error_number == ECONNRESET ? "reset"
                       : error_number == EAGAIN   ? "timeout"
                                                  : "end"};
  }
  return {.stream = std::make_unique<PeerStream>(std::move(inside)), .failure = {}};
}

}  // namespace network_mapper::aws
