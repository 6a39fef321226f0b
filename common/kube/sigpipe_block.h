// Keeps SIGPIPE from this thread while it exists: OpenSSL writes to sockets without MSG_NOSIGNAL,
// and a server that hangs up must not kill the process.
#pragma once

#include <csignal>
#include <ctime>

namespace network_mapper::kube {

class SigpipeBlock {
 public:
  SigpipeBlock() {
    sigemptyset(&sigpipe_);
    sigaddset(&sigpipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &sigpipe_, &before_);
  }

  SigpipeBlock(const SigpipeBlock&) = delete;
  SigpipeBlock& operator=(const SigpipeBlock&) = delete;

  ~SigpipeBlock() {
    const timespec now{};
    if (sigismember(&before_, SIGPIPE) == 0) {
      sigtimedwait(&sigpipe_, nullptr, &now);
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t sigpipe_{};
  sigset_t before_{};
};

}  // namespace network_mapper::kube
