// A program that a test or a load run starts, watches and ends.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace network_mapper {

class ChildProcess {
 public:
  // The program's absolute path and its arguments; what it prints is appended to `log`. Further
  // "NAME=value" go into its environment. Aborts when it cannot be started.
  ChildProcess(std::vector<std::string> command, const std::filesystem::path& log,
               std::vector<std::string> environment = {});
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  // Kills.
  ~ChildProcess();

  pid_t Id() const { return id_; }

  // Sends the signal and waits for the end. Calling it again does nothing.
  void End(int signal);

  // Waits for its own end; the exit code, or -1 when a signal ended it.
  int WaitForExit();
  // Absent when it goes on for longer.
  std::optional<int> WaitForExit(std::chrono::milliseconds limit);

  // Whether it has not ended by itself.
  bool IsRunning();

 private:
  pid_t id_ = -1;
  bool ended_ = false;
};

// A TCP port of the loopback that is free at this moment, for programs that must come back on the
// same one.
uint16_t FreePort();

}  // namespace network_mapper
