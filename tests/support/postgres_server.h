// A real PostgreSQL server with an empty database, on the loopback.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "tests/support/child_process.h"
#include "tests/support/test_paths.h"

namespace network_mapper {

class PostgresServer {
 public:
  // Debian's newest one; aborts when there is none or it does not start.
  PostgresServer();

  // For OpenPostgresDatabase and --store.
  std::string Url() const;

  uint16_t Port() const { return port_; }

  // Ends it without a checkpoint, as a crash does.
  void Crash();
  void Start();

  // Stops all its processes, as a hung disk or a paused machine does: the kernel goes on taking
  // what is sent. Not those of connections that come later.
  void Freeze();
  void Thaw();

 private:
  void Signal(int signal);

  TemporaryDirectory directory_;
  const uint16_t port_ = FreePort();
  std::unique_ptr<ChildProcess> server_;
};

}  // namespace network_mapper
