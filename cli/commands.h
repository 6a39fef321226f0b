// The commands of the CLI: each queries the mapper, turns the answer into ClientIntents and writes
// it. All outside effects go through what is passed in, so that tests run the commands without a
// process.
#pragma once

#include <chrono>
#include <functional>
#include <ostream>
#include <string>

#include "cli/command_line.h"
#include "cli/mapper_query.h"
#include "common/status/status.h"
#include "common/time/clock.h"

namespace network_mapper::cli {

struct CommandContext {
  // Called once a command needs the mapper, after its flags were checked.
  std::function<StatusOr<QueryTransport>()> connect;
  std::ostream& out;
  std::ostream& err;
  // For the completion script.
  std::string program;
  // What "24h" is counted back from.
  Time now = std::chrono::system_clock::now();
};

// Runs the command of `options` and returns the exit code. A Status that is not OK is to be printed
// as an error, with ErrorExitCode.
StatusOr<int> RunCommand(const CliOptions& options, const CommandContext& context);

}  // namespace network_mapper::cli
