#include "common/kube/byte_stream.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "common/kube/sigpipe_block.h"
#include "common/kube/tls_settings.h"

namespace network_mapper::kube {

namespace {

// How soon a stop is noticed.
constexpr std::chrono::milliseconds kStopPatience{100};

struct AddressListDeleter {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

struct SslContextDeleter {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

struct SslDeleter {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

class Descriptor {
 public:
  Descriptor() = default;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  ~Descriptor() { Reset(-1); }

  int Get() const { return descriptor_; }

  void Reset(int descriptor) {
    if (descriptor_ >= 0) {
      close(descriptor_);
    }
    descriptor_ = descriptor;
  }

 private:
  int descriptor_ = -1;
};

}  // namespace

class ByteStream::Implementation {
 public:
  Implementation(const HttpEndpoint& endpoint, SteadyTime deadline, std::stop_token stop)
      : endpoint_(endpoint),
        address_(fmt::format("{} port {}", endpoint.host, endpoint.port)),
        deadline_(deadline),
        stop_(std::move(stop)) {}

  Status Connect() {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (getaddrinfo(endpoint_.host.c_str(), std::to_string(endpoint_.port).c_str(), &hints,
                    &found) != 0) {
      return Unavailable("cannot connect to {}", address_);
    }
    const std::unique_ptr<addrinfo, AddressListDeleter> list(found);
    Status status = Unavailable("cannot connect to {}", address_);
    for (const addrinfo* one = list.get(); one != nullptr; one = one->ai_next) {
      status = ConnectTo(*one);
      if (status.ok()) {
        return endpoint_.tls ? StartTls() : OkStatus();
      }
    }
    return status;
  }

  Status Write(std::string_view bytes) {
    const SigpipeBlock no_sigpipe;
    while (!bytes.empty()) {
      RETURN_IF_ERROR(CheckTime());
      ASSIGN_OR_RETURN(const size_t written, WriteSome(bytes));
      bytes.remove_prefix(written);
    }
    return OkStatus();
  }

  StatusOr<std::string> Read() {
    const SigpipeBlock no_sigpipe;
    std::array<char, size_t{16} << 10U> buffer{};
    RETURN_IF_ERROR(CheckTime());
    ASSIGN_OR_RETURN(const size_t got, ReadSome(buffer.data(), buffer.size()));
    return std::string(buffer.data(), got);
  }

 private:
  Status ConnectTo(const addrinfo& where) {
    socket_.Reset(socket(where.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const bool begun =
        socket_.Get() >= 0 &&
        (connect(socket_.Get(), where.ai_addr, where.ai_addrlen) == 0 || errno == EINPROGRESS);
    if (!begun) {
      return Unavailable("cannot connect to {}", address_);
    }
    RETURN_IF_ERROR(WaitFor(POLLOUT));
    int error = 0;
    socklen_t size = sizeof(error);
    if (getsockopt(socket_.Get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
      return Unavailable("cannot connect to {}", address_);
    }
    return OkStatus();
  }

  Status StartTls() {
    const SigpipeBlock no_sigpipe;
    context_.reset(SSL_CTX_new(TLS_client_method()));
    if (context_ == nullptr) {
      return Internal("OpenSSL refuses to make a context");
    }
    ASSIGN_OR_RETURN(tls_settings_, TlsSettings::Apply(endpoint_, context_.get()));
    ssl_.reset(SSL_new(context_.get()));
    if (ssl_ == nullptr || SSL_set_fd(ssl_.get(), socket_.Get()) != 1) {
      return Internal("OpenSSL refuses to make a connection");
    }
    while (true) {
      ERR_clear_error();
      const int result = SSL_connect(ssl_.get());
      if (result == 1) {
        return OkStatus();
      }
      ASSIGN_OR_RETURN(const bool again, WaitForTls(result));
      if (!again) {
        return tls_settings_->Refusal().empty()
                   ? Unavailable("the TLS handshake with {} failed", address_)
                   : Unavailable("the certificate of {} is not trusted: {}", address_,
                                 tls_settings_->Refusal());
      }
    }
  }

  StatusOr<size_t> WriteSome(std::string_view bytes) {
    while (true) {
      bool again = false;
      if (ssl_ != nullptr) {
        ERR_clear_error();
        size_t written = 0;
        const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written);
        if (result == 1) {
          return written;
        }
        ASSIGN_OR_RETURN(again, WaitForTls(result));
      } else {
        const ssize_t written = send(socket_.Get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (written > 0) {
          return static_cast<size_t>(written);
        }
        ASSIGN_OR_RETURN(again, WaitForSocket(POLLOUT));
      }
      if (!again) {
        return Unavailable("the connection to {} broke while writing", address_);
      }
    }
  }

  // 0: the server has ended the connection.
  StatusOr<size_t> ReadSome(char* buffer, size_t size) {
    while (true) {
      bool again = false;
      if (ssl_ != nullptr) {
        ERR_clear_error();
        size_t got = 0;
        const int result = SSL_read_ex(ssl_.get(), buffer, size, &got);
        if (result == 1) {
          return got;
        }
        if (SSL_get_error(ssl_.get(), result) == SSL_ERROR_ZERO_RETURN) {
          return size_t{0};
        }
        ASSIGN_OR_RETURN(again, WaitForTls(result));
      } else {
        const ssize_t got = recv(socket_.Get(), buffer, size, 0);
        if (got >= 0) {
          return static_cast<size_t>(got);
        }
        ASSIGN_OR_RETURN(again, WaitForSocket(POLLIN));
      }
      if (!again) {
        return Unavailable("the connection to {} broke while reading", address_);
      }
    }
  }

  // After an operation that did not succeed: whether to try it again, once there is a reason to.
  StatusOr<bool> WaitForTls(int result) const {
    const int error = SSL_get_error(ssl_.get(), result);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
      return false;
    }
    RETURN_IF_ERROR(WaitFor(error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT));
    return true;
  }

  StatusOr<bool> WaitForSocket(short events) const {
    if (errno != EAGAIN && errno != EINTR) {
      return false;
    }
    RETURN_IF_ERROR(WaitFor(events));
    return true;
  }

  // A server that never pauses must not go on for ever either.
  Status CheckTime() const {
    if (stop_.stop_requested()) {
      return MakeStatus(StatusCode::kCancelled, "stopped");
    }
    return std::chrono::steady_clock::now() < deadline_ ? OkStatus() : Late();
  }

  Status Late() const { return DeadlineExceeded("{} did not answer in time", address_); }

  Status WaitFor(short events) const {
    while (true) {
      if (stop_.stop_requested()) {
        return MakeStatus(StatusCode::kCancelled, "stopped");
      }
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          deadline_ - std::chrono::steady_clock::now());
      // What nobody can stop need not look.
      const auto patience = stop_.stop_possible() ? std::min(left, kStopPatience) : left;
      pollfd waiting{.fd = socket_.Get(), .events = events, .revents = 0};
      const int ready =
          left.count() < 0 ? 0 : poll(&waiting, 1, static_cast<int>(patience.count()));
      if (ready > 0) {
        return OkStatus();
      }
      if (ready == 0 && patience < left) {
        continue;
      }
      if (ready == 0) {
        return Late();
      }
      if (errno != EINTR) {
        return Internal("poll: {}", std::generic_category().message(errno));
      }
    }
  }

  const HttpEndpoint endpoint_;
  const std::string address_;
  const SteadyTime deadline_;
  const std::stop_token stop_;
  Descriptor socket_;
  // Outlives the context, which refers to it.
  std::unique_ptr<TlsSettings> tls_settings_;
  std::unique_ptr<SSL_CTX, SslContextDeleter> context_;
  std::unique_ptr<SSL, SslDeleter> ssl_;
};

ByteStream::ByteStream(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}

ByteStream::~ByteStream() = default;

StatusOr<std::unique_ptr<ByteStream>> ByteStream::Connect(const HttpEndpoint& endpoint,
                                                          SteadyTime deadline,
                                                          const std::stop_token& stop) {
  auto implementation = std::make_unique<Implementation>(endpoint, deadline, stop);
  RETURN_IF_ERROR(implementation->Connect());
  return std::unique_ptr<ByteStream>(new ByteStream(std::move(implementation)));
}

Status ByteStream::Write(std::string_view bytes) {
  return implementation_->Write(bytes);
}

StatusOr<std::string> ByteStream::Read() {
  return implementation_->Read();
}

}  // namespace network_mapper::kube
