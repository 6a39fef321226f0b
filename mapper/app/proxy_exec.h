// Commands beside proxies by pods/exec of the Kubernetes API: a few threads, each with one exchange
// at a time, whose output goes on through a socket as it comes, so that a slow reader slows the
// node down, and nothing piles up.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/concurrency/waitable.h"
#include "istio-watcher/scrape/proxy_command.h"

namespace network_mapper {

namespace kube {
class Client;
}  // namespace kube

class ProxyExec final : public istio::ProxyCommand {
 public:
  // `client` must outlive it. What is started beyond `threads` waits for its turn, at the cost of
  // its time.
  ProxyExec(kube::Client& client, size_t threads);
  ProxyExec(const ProxyExec&) = delete;
  ProxyExec& operator=(const ProxyExec&) = delete;
  // Ends all exchanges.
  ~ProxyExec() override;

  std::unique_ptr<istio::CommandRun> Start(const istio::ProxyPod& pod,
                                           const std::vector<std::string>& words,
                                           std::chrono::nanoseconds timeout) override;

 private:
  class Run;
  struct Exchange;

  void Work(const std::stop_token& stop);
  void Carry(Exchange& exchange);

  kube::Client& client_;
  Waitable<std::deque<std::shared_ptr<Exchange>>> waiting_;
  std::vector<std::jthread> threads_;
};

}  // namespace network_mapper
