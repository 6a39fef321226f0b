// A real HTTP server on a loopback port whose every answer, byte by byte, is a test's script:
// chunks, cuts in mid-line, silence. One thread a connection. Used by the tests of common/kube.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/concurrency/guarded.h"

namespace network_mapper {

struct ScriptedCall {
  std::string method;
  // Path and query, as sent.
  std::string target;
  // Names in lower case.
  std::map<std::string, std::string> headers;
  std::string body;

  // A query parameter's raw value; "" when absent.
  std::string Parameter(std::string_view name) const;
  std::string Header(const std::string& name) const;
};

// The connection as a script sees it. Writing to a closed one does nothing.
class ScriptedWire {
 public:
  ScriptedWire(int socket, const std::atomic<bool>& stopping)
      : socket_(socket), stopping_(stopping) {}

  void Raw(std::string_view bytes) const;
  void Json(int code, std::string_view body, std::string_view extra_headers = {}) const;
  void BeginChunks() const;
  void Chunk(std::string_view bytes) const;

  void EndChunks() const { Raw("0\r\n\r\n"); }

  // What the client has sent after its request; empty when it has hung up or the server stops.
  std::string Read() const;

  // Stays silent until the client hangs up or the server stops.
  void HoldUntilHangUp() const;

  // The connection ends after the script.
  void Close() { close_ = true; }

  bool Closing() const { return close_; }

 private:
  int socket_;
  const std::atomic<bool>& stopping_;
  bool close_ = false;
};

class ScriptedServer {
 public:
  using Script = std::function<void(const ScriptedCall&, ScriptedWire&)>;

  explicit ScriptedServer(Script script);
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;
  ~ScriptedServer();

  std::string Url() const;
  std::vector<ScriptedCall> Calls() const;

 private:
  void Accept();
  void Serve(int socket);

  Script script_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  Guarded<std::vector<ScriptedCall>> calls_;
  std::list<std::jthread> connections_;
  std::jthread acceptor_;
};

// Waits up to five seconds.
bool Eventually(const std::function<bool()>& condition);

}  // namespace network_mapper
