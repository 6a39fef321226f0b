// What every daemon's main does around its application: options, --help and --version, the log,
// stopping on SIGTERM and SIGINT, exit codes.
#pragma once

#include <functional>
#include <stop_token>
#include <string_view>

#include "common/config/options.h"
#include "common/status/status.h"

namespace network_mapper {

// Exit codes.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 2;

struct Program {
  // Component name in log lines.
  std::string_view component;
  OptionTable& options;
  // Checks what the table cannot; its error counts as a usage error.
  std::function<Status()> check;
  // Whether debug lines are wanted; asked after the options are known.
  std::function<bool()> debug;
  // Called before there is a second thread, for what holds for each thread by itself. May be empty.
  std::function<void()> prepare{};
  // Runs until the token is stopped. Its error is printed and makes the exit code 1.
  std::function<Status(const std::stop_token&)> run;
};

// Returns the exit code. Blocks SIGTERM and SIGINT in all threads; a second such signal ends the
// process at once.
int RunProgram(const Program& program, int argc, const char* const* argv,
               const char* const* environment);

}  // namespace network_mapper
