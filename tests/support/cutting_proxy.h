// A TCP relay between a client and a server on the loopback that a test cuts: after a number of
// bytes, or at once. Of every second connection, the server gets all that was relayed, so that it
// has worked on what the client must believe lost. It can also hold everything, as a network does
// that is parted: nothing is refused, nothing arrives, and what was under way comes late.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace network_mapper {

class CuttingProxy {
 public:
  // Relays to 127.0.0.1:`target_port`. `budget` says, for each new connection, after how many bytes
  // (both directions together) it is cut; it is called by the proxy's thread.
  CuttingProxy(uint16_t target_port, std::function<size_t()> budget);
  CuttingProxy(const CuttingProxy&) = delete;
  CuttingProxy& operator=(const CuttingProxy&) = delete;
  ~CuttingProxy();

  uint16_t Port() const { return port_; }

  int Cuts() const { return cuts_; }

  // Where connections go from now on.
  void TurnTo(uint16_t target_port) { target_port_ = target_port; }

  void Hold(bool hold) { held_ = hold; }

 private:
  void Run(const std::stop_token& stop);
  void Serve(const std::stop_token& stop, int client, size_t budget);
  void Relay(const std::stop_token& stop, int client, int server, size_t budget);

  std::atomic<uint16_t> target_port_;
  std::function<size_t()> budget_;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::atomic<int> cuts_{0};
  std::atomic<bool> held_{false};
  // One for each connection that there was.
  std::vector<std::jthread> connections_;
  std::jthread worker_;
};

}  // namespace network_mapper
