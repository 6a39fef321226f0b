#include "aws-visibility/proxy/endpoint.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "aws-visibility/proxy/sockets.h"
#include "common/text/give_back.h"

namespace network_mapper::aws {

namespace {

// OpenSSL reads and writes through these, since its own socket BIO raises SIGPIPE, knows nothing of
// bytes that were read before, and asks the kernel for bytes that cannot be there.
int ReadForTls(BIO* bio, char* buffer, int size) {
  BIO_clear_retry_flags(bio);
  auto& endpoint = *static_cast<Endpoint*>(BIO_get_data(bio));
  const long got = endpoint.ReceiveSome(buffer, static_cast<size_t>(size));
  // The end of the stream is no failure to OpenSSL, or it would refuse to write thereafter; the
  // endpoint knows.
  if (got == 0 || (got < 0 && errno == EAGAIN)) {
    BIO_set_retry_read(bio);
    return -1;
  }
  return static_cast<int>(got);
}

int WriteForTls(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  auto& endpoint = *static_cast<Endpoint*>(BIO_get_data(bio));
  const long sent = endpoint.SendSome(bytes, static_cast<size_t>(size));
  if (sent < 0 && errno == EAGAIN) {
    BIO_set_retry_write(bio);
  }
  return static_cast<int>(sent);
}

long ControlForTls(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

const BIO_METHOD* EndpointMethod() {
  // Lives as long as the process.
  static const BIO_METHOD* const forever = [] {
    BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "endpoint");
    BIO_meth_set_read(method, ReadForTls);
    BIO_meth_set_write(method, WriteForTls);
    BIO_meth_set_ctrl(method, ControlForTls);
    return method;
  }();
  return forever;
}

int Bounded(size_t size) {
  return static_cast<int>(std::min<size_t>(size, std::numeric_limits<int>::max()));
}

}  // namespace

Endpoint::~Endpoint() {
  Close(false);
}

bool Endpoint::StartTls(TlsPtr<SSL> ssl, std::string early) {
  BIO* bio = BIO_new(EndpointMethod());
  if (bio == nullptr || ssl == nullptr) {
    BIO_free(bio);
    return false;
  }
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl.get(), bio, bio);
  ssl_ = std::move(ssl);
  early_ = std::move(early);
  early_taken_ = 0;
  return true;
}

void Endpoint::NoteEvents(uint32_t events) {
  peer_hung_up_ = peer_hung_up_ || (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  readable_ = readable_ || (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  writable_ = writable_ || (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
}

long Endpoint::ReceiveSome(char* buffer, size_t size) {
  if (early_taken_ < early_.size()) {
    const size_t part = std::min(size, early_.size() - early_taken_);
    std::memcpy(buffer, early_.data() + early_taken_, part);
    early_taken_ += part;
    if (early_taken_ == early_.size()) {
      GiveBack(early_);
      early_taken_ = 0;
    }
    return static_cast<long>(part);
  }
  if (ended_) {
    return 0;
  }
  if (!readable_) {
    errno = EAGAIN;
    return -1;
  }
  ssize_t got = 0;
  do {
    got = recv(fd_, buffer, size, 0);
  } while (got < 0 && errno == EINTR);
  if (got == 0) {
    ended_ = true;
  } else if (got < 0) {
    readable_ = errno != EAGAIN;
    reset_ = reset_ || errno == ECONNRESET;
  } else if (static_cast<size_t>(got) < size && !peer_hung_up_) {
    // That was all; more of it raises a new edge.
    readable_ = false;
  }
  return got;
}

long Endpoint::SendSome(const char* bytes, size_t size) {
  if (!writable_) {
    errno = EAGAIN;
    return -1;
  }
  ssize_t sent = 0;
  do {
    sent = send(fd_, bytes, size, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) {
    sent_bytes_ += static_cast<uint64_t>(sent);
  } else {
    writable_ = errno != EAGAIN;
    reset_ = reset_ || errno == ECONNRESET || errno == EPIPE;
  }
  return sent;
}

IoResult Endpoint::Explain(int result, bool handshake) {
  const int error = SSL_get_error(ssl_.get(), result);
  switch (error) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return ended_ ? IoResult::kEnd : IoResult::kAgain;
    case SSL_ERROR_ZERO_RETURN:
      return IoResult::kCloseNotify;
    case SSL_ERROR_WANT_X509_LOOKUP:
      return IoResult::kWantsCertificate;
    default:
      break;
  }
  const unsigned long code = ERR_peek_error();
  if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) >= SSL_AD_REASON_OFFSET) {
    peer_alert_ = ERR_GET_REASON(code) - SSL_AD_REASON_OFFSET;
  }
  if (handshake) {
    failure_ = TakeTlsError();
  }
  return IoResult::kFailed;
}

IoResult Endpoint::Handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  return result == 1 ? IoResult::kDone : Explain(result, true);
}

IoResult Endpoint::Read(std::span<char> buffer, size_t& size) {
  if (ssl_ == nullptr) {
    const long got = ReceiveSome(buffer.data(), buffer.size());
    size = got > 0 ? static_cast<size_t>(got) : 0;
    if (got > 0) {
      return IoResult::kDone;
    }
    return got == 0 ? IoResult::kEnd : errno == EAGAIN ? IoResult::kAgain : IoResult::kFailed;
  }
  ERR_clear_error();
  const int got = SSL_read(ssl_.get(), buffer.data(), Bounded(buffer.size()));
  size = got > 0 ? static_cast<size_t>(got) : 0;
  if (got > 0) {
    return IoResult::kDone;
  }
  const IoResult result = Explain(got, false);
  // A ticket that the server sends makes OpenSSL take a buffer to write in, which it would keep.
  SSL_free_buffers(ssl_.get());
  return result;
}

IoResult Endpoint::Write(std::string_view bytes, size_t& size) {
  size = 0;
  while (size < bytes.size()) {
    const std::string_view rest = bytes.substr(size);
    if (ssl_ == nullptr) {
      const long sent = SendSome(rest.data(), rest.size());
      if (sent < 0) {
        return errno == EAGAIN ? IoResult::kAgain : IoResult::kFailed;
      }
      size += static_cast<size_t>(sent);
      continue;
    }
    ERR_clear_error();
    const int sent = SSL_write(ssl_.get(), rest.data(), Bounded(rest.size()));
    if (sent <= 0) {
      // That the peer sends no more does not hinder writing.
      const IoResult result = Explain(sent, false);
      return result == IoResult::kEnd ? IoResult::kAgain : result;
    }
    size += static_cast<size_t>(sent);
  }
  return IoResult::kDone;
}

IoResult Endpoint::EndWriting(bool close_notify, bool fin) {
  if (close_notify && ssl_ != nullptr && !sent_close_notify_) {
    ERR_clear_error();
    if (const int result = SSL_shutdown(ssl_.get()); result < 0) {
      const IoResult why = Explain(result, false);
      return why == IoResult::kEnd ? IoResult::kAgain : why;
    }
    sent_close_notify_ = true;
  }
  if (fin || ssl_ == nullptr) {
    shutdown(fd_, SHUT_WR);
  }
  return IoResult::kDone;
}

void Endpoint::Open(int fd) {
  Close(false);
  fd_ = fd;
  GiveBack(early_);
  early_taken_ = 0;
  sent_bytes_ = 0;
  readable_ = writable_ = true;
  peer_hung_up_ = reset_ = ended_ = sent_close_notify_ = false;
  peer_alert_ = -1;
  failure_.clear();
}

void Endpoint::Close(bool reset) {
  if (fd_ < 0) {
    return;
  }
  ssl_.reset();
  if (reset) {
    ResetSocket(fd_);
  } else {
    close(fd_);
  }
  fd_ = -1;
}

}  // namespace network_mapper::aws
