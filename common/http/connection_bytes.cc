#include "common/http/connection_bytes.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

namespace network_mapper {

namespace {

// OpenSSL's own socket BIO would wait, and its write raise SIGPIPE.
int SocketOf(BIO* bio) {
  return static_cast<int>(reinterpret_cast<intptr_t>(BIO_get_data(bio)));
}

bool ComesLater(ssize_t result) {
  return result < 0 && (errno == EAGAIN || errno == EINTR);
}

int WriteToSocket(BIO* bio, const char* data, int size) {
  const ssize_t sent =
      send(SocketOf(bio), data, static_cast<size_t>(size), MSG_NOSIGNAL | MSG_DONTWAIT);
  BIO_clear_retry_flags(bio);
  if (ComesLater(sent)) {
    BIO_set_retry_write(bio);
  }
  return static_cast<int>(sent);
}

int ReadFromSocket(BIO* bio, char* data, int size) {
  const ssize_t got = recv(SocketOf(bio), data, static_cast<size_t>(size), MSG_DONTWAIT);
  BIO_clear_retry_flags(bio);
  if (ComesLater(got)) {
    BIO_set_retry_read(bio);
  }
  return static_cast<int>(got);
}

long ControlSocket(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD* SocketMethod() {
  // NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): OpenSSL's own type
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    BIO_meth_set_write(made, WriteToSocket);
    BIO_meth_set_read(made, ReadFromSocket);
    BIO_meth_set_ctrl(made, ControlSocket);
    return made;
  }();
  return method;
}

int Limit(size_t size) {
  return static_cast<int>(std::min(size, static_cast<size_t>(std::numeric_limits<int>::max())));
}

}  // namespace

void ConnectionBytes::SslDeleter::operator()(SSL* ssl) const {
  SSL_free(ssl);
}

ConnectionBytes::ConnectionBytes(int socket, const std::shared_ptr<SSL_CTX>& context)
    : socket_(socket), tls_(true) {
  ssl_.reset(context == nullptr ? nullptr : SSL_new(context.get()));
  BIO* bio = ssl_ == nullptr ? nullptr : BIO_new(SocketMethod());
  if (bio == nullptr) {
    broken_ = true;
    handshake_error_ = "there is no certificate yet";
    return;
  }
  // NOLINTNEXTLINE(performance-no-int-to-ptr): never followed, only turned back into the number.
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<intptr_t>(socket)));
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_accept_state(ssl_.get());
}

ConnectionBytes::~ConnectionBytes() {
  if (ssl_ != nullptr && !broken_ && !IsHandshaking()) {
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }
  ssl_.reset();
  close(socket_);
}

ssize_t ConnectionBytes::Receive(char* data, size_t size) {
  if (!tls_) {
    return recv(socket_, data, size, MSG_DONTWAIT);
  }
  if (broken_) {
    errno = ECONNRESET;
    return -1;
  }
  ERR_clear_error();
  return Outcome(SSL_read(ssl_.get(), data, Limit(size)));
}

ssize_t ConnectionBytes::Send(const char* data, size_t size) {
  if (!tls_) {
    return send(socket_, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  if (broken_) {
    errno = ECONNRESET;
    return -1;
  }
  ERR_clear_error();
  return Outcome(SSL_write(ssl_.get(), data, Limit(size)));
}

bool ConnectionBytes::HasPending() const {
  return ssl_ != nullptr && SSL_pending(ssl_.get()) > 0;
}

bool ConnectionBytes::IsHandshaking() const {
  return tls_ && (ssl_ == nullptr || SSL_is_init_finished(ssl_.get()) == 0);
}

ssize_t ConnectionBytes::Outcome(int result) {
  awaited_ = 0;
  if (result > 0) {
    return result;
  }
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      awaited_ = POLLIN;
      errno = EAGAIN;
      return -1;
    case SSL_ERROR_WANT_WRITE:
      awaited_ = POLLOUT;
      errno = EAGAIN;
      return -1;
    case SSL_ERROR_ZERO_RETURN:
      return 0;
    default:
      break;
  }
  broken_ = true;
  if (IsHandshaking()) {
    const char* reason = ERR_reason_error_string(ERR_peek_last_error());
    handshake_error_ = reason == nullptr ? "the connection ended" : reason;
  }
  ERR_clear_error();
  errno = ECONNRESET;
  return -1;
}

}  // namespace network_mapper
